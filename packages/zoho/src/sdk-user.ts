import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ZohoInitializeBuilder, ZohoOAuthToken, ZohoSdk } from './zoho-sdk.ts';

/** A builder that has the settings of the SDK's current user. */
export async function newBuilder<Token extends ZohoOAuthToken>(
  sdk: ZohoSdk<Token>,
): Promise<ZohoInitializeBuilder<Token>> {
  const builder = (await new sdk.InitializeBuilder()) as ZohoInitializeBuilder<Token>;
  // The TypeScript SDK's takes them over a little later, and tells nobody when it has.
  await nextTurn();
  return builder;
}

/** The token endpoint of the SDK's current user. */
export async function accountsUrl<Token extends ZohoOAuthToken>(
  sdk: ZohoSdk<Token>,
): Promise<string> {
  const environment: unknown = Reflect.get(await newBuilder(sdk), '_environment');
  const getAccountsUrl: unknown = Reflect.get(Object(environment), 'getAccountsUrl');
  if (typeof getAccountsUrl === 'function') {
    return String(Reflect.apply(getAccountsUrl, environment, []));
  }
  const message = 'The SDK has no accounts server yet: initialize it first.';
  throw new sdk.SDKException('INITIALIZATION_ERROR', message);
}

/** What each SDK does last, or has done: it has one user for the whole process. */
const lastWork = new WeakMap<object, Promise<unknown>>();

/** Waits for all that was begun before; what fails keeps nobody from the next. */
export async function oneAfterTheOther<Result>(
  sdk: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = lastWork.get(sdk) ?? Promise.resolve();
  const now = before.then(work, work);
  lastWork.set(sdk, now);
  return await now;
}
