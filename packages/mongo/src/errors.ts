import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** A kind of error: the server's numbers (`src/mongo/base/error_codes.yml` there), the driver's names. */
interface Kind {
  readonly code: TokenStoreErrorCode;
  readonly numbers: readonly number[];
  readonly name?: RegExp;
  /** @param server where it is, without a user, a password or anything else */
  readonly advice: (server: string) => string;
}

const TIMEOUT: Kind = {
  code: 'TIMEOUT',
  numbers: [50, 64, 202, 262],
  name: /^Mongo(?:NetworkTimeout|OperationTimeout|WaitQueueTimeout)Error$|^WaitQueueTimeoutError$/,
  advice: (server) =>
    `MongoDB (${server}) did not answer in time, or not enough members of the replica set did. Try again; a save may or may not have happened.`,
};

const KINDS: readonly Kind[] = [
  TIMEOUT,
  {
    code: 'ACCESS_DENIED',
    numbers: [13, 18, 31, 334, 8000],
    advice: () =>
      'MongoDB refuses these credentials, or the user may not read and write the database. Correct the user name, the password or the roles (readWrite is needed).',
  },
  {
    code: 'READ_ONLY',
    numbers: [10_058, 10_107, 13_435],
    advice: () =>
      'This MongoDB server takes no writes now: it is not the primary. Name the whole replica set in the URL, then try again.',
  },
  {
    code: 'CONNECTION_FAILED',
    numbers: [6, 7, 89, 91, 189, 9001, 11_600, 11_602, 13_436],
    name: /^Mongo(?:ServerSelection|Network|PoolCleared|ServerClosed)Error$|^PoolClearedOnNetworkError$/,
    advice: (server) =>
      `MongoDB (${server}) can not be reached, or the connection broke. See that it runs and that host and port are right, then try again; a save may or may not have happened.`,
  },
  {
    code: 'STORAGE_FULL',
    numbers: [14_031],
    advice: () => 'There is no room left on the MongoDB server. Make room and try again.',
  },
  {
    code: 'HANDLE_CLOSED',
    numbers: [],
    name: /^Mongo(?:TopologyClosed|NotConnected|ClientClosed)Error$/,
    advice: () =>
      'The MongoDB client that the store was given is closed. Give the store an open one, and close the store before its client.',
  },
  {
    code: 'INVALID_OPTION',
    numbers: [13_388],
    name: /^Mongo(?:Parse|InvalidArgument|MissingCredentials|MissingDependency|Compatibility)Error$/,
    advice: () => 'The MongoDB driver does not take the URL or the options. Correct them.',
  },
];

/** The error for an answer that took too long. */
export function timeoutError(server: string): TokenStoreError {
  return new TokenStoreError('TIMEOUT', TIMEOUT.advice(server));
}

/** The driver's errors in our terms. */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  const causes = [error, ...causesOf(error)];
  // A certificate that is not accepted is the cause of all that comes after.
  const insecure = causes.map((cause) => networkFailure(cause)).find(isInsecure);
  if (insecure !== undefined) return insecure;
  // What lies beneath says more than 'no server could be chosen'.
  for (const cause of causes.reverse()) {
    const number = numberOf(cause) ?? Number.NaN;
    const name = cause instanceof Error ? cause.name : '';
    const kind =
      KINDS.find(({ numbers }) => numbers.includes(number)) ??
      KINDS.find((each) => each.name?.test(name));
    if (kind === undefined) continue;
    const { code, advice } = kind;
    return new TokenStoreError(code, advice(server), { driverCode: driverCodeOf(cause) });
  }
  return networkFailure(error, server);
}

/** The server's number for an error. */
export function numberOf(error: unknown): number | undefined {
  const code = driverCodeOf(error);
  return typeof code === 'number' ? code : undefined;
}

/** Whether a document was refused because one of its claims, or its `_id`, is taken. */
export function isDuplicateKey(error: unknown): boolean {
  return numberOf(error) === 11_000;
}

function isInsecure(failure: TokenStoreError | undefined): boolean {
  return failure?.code === 'TLS_REQUIRED';
}

/** Why no server could be chosen, and what was beneath. */
function causesOf(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const causes: unknown[] = 'cause' in error && error.cause !== undefined ? [error.cause] : [];
  const servers: unknown = 'reason' in error && Reflect.get(Object(error.reason), 'servers');
  if (servers instanceof Map) {
    for (const server of servers.values()) causes.push(Reflect.get(Object(server), 'error'));
  }
  return causes.flatMap((cause) => [cause, ...causesOf(cause)]);
}
