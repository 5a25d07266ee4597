import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { connectionFailed, networkFailure, timedOut } from '@tokenkeep/core/adapter/server';

/**
 * What the server's numbers (`src/mongo/base/error_codes.yml` there) and the names of the driver's
 * errors mean. An error shows the server's address: no user, no password, nothing else.
 */
const MEANINGS: readonly (readonly [
  numbers: readonly number[],
  name: RegExp | undefined,
  code: TokenStoreErrorCode,
  advice: string,
])[] = [
  [
    [50, 64, 202, 262],
    /^Mongo(?:NetworkTimeout|OperationTimeout|WaitQueueTimeout)Error$|^WaitQueueTimeoutError$/,
    'TIMEOUT',
    '',
  ],
  [
    [13, 18, 31, 334, 8000],
    undefined,
    'ACCESS_DENIED',
    'refuses these credentials, or the user may not read and write the database. Correct the user name, the password or the roles (readWrite is needed).',
  ],
  [
    [10_058, 10_107, 13_435],
    undefined,
    'READ_ONLY',
    'takes no writes now: it is not the primary. Name the whole replica set in the URL, then try again.',
  ],
  [
    [6, 7, 89, 91, 189, 9001, 11_600, 11_602, 13_436],
    /^Mongo(?:ServerSelection|Network|PoolCleared|ServerClosed)Error$|^PoolClearedOnNetworkError$/,
    'CONNECTION_FAILED',
    '',
  ],
  [[14_031], undefined, 'STORAGE_FULL', 'has no room left. Make room and try again.'],
  [
    [],
    /^Mongo(?:TopologyClosed|NotConnected|ClientClosed)Error$/,
    'HANDLE_CLOSED',
    'has a closed client. Give the store an open one, and close the store before it.',
  ],
  [
    [13_388],
    /^Mongo(?:Parse|InvalidArgument|MissingCredentials|MissingDependency|Compatibility)Error$/,
    'INVALID_OPTION',
    'was named by a URL or options that the driver does not take. Correct them.',
  ],
];

/** The driver's errors in our terms. */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  // What lies beneath says more than 'no server could be chosen'.
  const causes = [error, ...causesOf(error)].reverse();
  // A certificate that is not accepted is the cause of all that comes after.
  const failures = causes.map((cause) => networkFailure(cause, server));
  const insecure = failures.find((failure) => failure?.code === 'TLS_REQUIRED');
  if (insecure !== undefined) return insecure;
  for (const cause of causes) {
    const { name = '' } = cause instanceof Error ? cause : {};
    const [, , code, advice] =
      MEANINGS.find(([numbers]) => numbers.includes(numberOf(cause))) ??
      MEANINGS.find(([, names]) => names?.test(name)) ??
      [];
    const driverCode = driverCodeOf(cause);
    const shown = String(driverCode ?? name);
    if (code === 'TIMEOUT') return timedOut(server, shown);
    if (code === 'CONNECTION_FAILED') return connectionFailed(server, shown);
    if (code !== undefined) {
      return new TokenStoreError(code, `MongoDB (${server}) ${advice}`, { driverCode });
    }
  }
  return networkFailure(error, server);
}

/** The server's number for an error; 0 for one that has none. */
export function numberOf(error: unknown): number {
  return Number(driverCodeOf(error)) || 0;
}

/** Whether a document was refused because one of its claims, or its `_id`, is taken. */
export function isDuplicateKey(error: unknown): boolean {
  return numberOf(error) === 11_000;
}

/** Why no server could be chosen, and what was beneath. */
function causesOf(error: unknown): unknown[] {
  const { cause, reason } = Object(error);
  const servers: unknown = Object(reason).servers;
  const errors = servers instanceof Map ? [...servers.values()].map((each) => each.error) : [];
  return [cause, ...errors]
    .filter((each) => each != null)
    .flatMap((each) => [each, ...causesOf(each)]);
}
