/** The six methods, and no end: as the stores of the vendor's SDK are. */
export default class VendorsStore {
  static versions = false;
  static durable = false;
  static shared = false;
  static iterable = false;

  async findToken(): Promise<null> {
    return null;
  }
  async findTokenById(): Promise<null> {
    return null;
  }
  async saveToken(): Promise<void> {}
  async deleteToken(): Promise<void> {}
  async getTokens(): Promise<[]> {
    return [];
  }
  async deleteTokens(): Promise<void> {}
}
