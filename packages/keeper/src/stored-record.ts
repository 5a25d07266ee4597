import { OAuthToken, type SaveOptions, type TokenInit, type TokenStore } from '@tokenkeep/core';

/** One record of a store, written only over the version that was read. */
export class StoredRecord {
  readonly #store: TokenStore;
  readonly id: string;

  constructor(store: TokenStore, id: string) {
    this.#store = store;
    this.id = id;
  }

  read(): Promise<OAuthToken | null> {
    return this.#store.findTokenById(this.id);
  }

  /** @returns the record as stored; `null` if it has another version, or is not there any more */
  async save(over: OAuthToken, change: TokenInit, clear?: 'lease'): Promise<OAuthToken | null> {
    const token = new OAuthToken({ ...change, id: this.id });
    if (over.version === undefined) return await this.#saveWithoutVersion(over, token);
    const options: SaveOptions = {
      ifVersion: over.version,
      ...(clear === undefined ? {} : { clear: [clear] }),
    };
    return await ifUnchanged(() => this.#store.saveToken(token, options));
  }

  /** @returns whether it is gone; `false` if it has another version */
  async delete(over: OAuthToken): Promise<boolean> {
    const { version } = over;
    const options = version === undefined ? undefined : { ifVersion: version };
    const deleted = await ifUnchanged(async () => {
      await this.#store.deleteToken(this.id, options);
      return true;
    });
    return deleted ?? false;
  }

  /** Next best: in one process, nothing but the caller's own saves comes between. */
  async #saveWithoutVersion(over: OAuthToken, token: OAuthToken): Promise<OAuthToken | null> {
    const now = await this.read();
    if (now === null || now.refreshToken !== over.refreshToken) return null;
    return await this.#store.saveToken(token);
  }
}

async function ifUnchanged<Result>(write: () => Promise<Result>): Promise<Result | null> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'VERSION_CONFLICT') return null;
    throw error;
  }
}
