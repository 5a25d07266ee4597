/** Both SDKs look alike; only one has types. */
export type Sdk = typeof import('@zohocrm/typescript-sdk-8.0');

export const sdkNames = ['@zohocrm/typescript-sdk-8.0', '@zohocrm/nodejs-sdk-8.0'] as const;

export async function loadSdk(name: string): Promise<Sdk> {
  return await import(name);
}
