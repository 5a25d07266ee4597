import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** A kind of error: the server's numbers (`src/mongo/base/error_codes.yml` there), the driver's names. */
interface Kind {
  readonly code: TokenStoreErrorCode;
  readonly numbers: readonly number[];
  readonly name?: RegExp;
  /** What to do. The server's address is put before it: no user, no password, nothing else. */
  readonly advice: string;
}

const UNKNOWN_OUTCOME = 'try again; a save may or may not have happened.';

const TIMEOUT: Kind = {
  code: 'TIMEOUT',
  numbers: [50, 64, 202, 262],
  name: /^Mongo(?:NetworkTimeout|OperationTimeout|WaitQueueTimeout)Error$|^WaitQueueTimeoutError$/,
  advice: `did not answer in time, or too few members of the replica set did: ${UNKNOWN_OUTCOME}`,
};

const KINDS: readonly Kind[] = [
  TIMEOUT,
  {
    code: 'ACCESS_DENIED',
    numbers: [13, 18, 31, 334, 8000],
    advice:
      'refuses these credentials, or the user may not read and write the database. Correct the user name, the password or the roles (readWrite is needed).',
  },
  {
    code: 'READ_ONLY',
    numbers: [10_058, 10_107, 13_435],
    advice:
      'takes no writes now: it is not the primary. Name the whole replica set in the URL, then try again.',
  },
  {
    code: 'CONNECTION_FAILED',
    numbers: [6, 7, 89, 91, 189, 9001, 11_600, 11_602, 13_436],
    name: /^Mongo(?:ServerSelection|Network|PoolCleared|ServerClosed)Error$|^PoolClearedOnNetworkError$/,
    advice: `can not be reached, or the connection broke. See that it runs and that host and port are right, then ${UNKNOWN_OUTCOME}`,
  },
  {
    code: 'STORAGE_FULL',
    numbers: [14_031],
    advice: 'has no room left. Make room and try again.',
  },
  {
    code: 'HANDLE_CLOSED',
    numbers: [],
    name: /^Mongo(?:TopologyClosed|NotConnected|ClientClosed)Error$/,
    advice: 'has a closed client. Give the store an open one, and close the store before it.',
  },
  {
    code: 'INVALID_OPTION',
    numbers: [13_388],
    name: /^Mongo(?:Parse|InvalidArgument|MissingCredentials|MissingDependency|Compatibility)Error$/,
    advice: 'was named by a URL or options that the driver does not take. Correct them.',
  },
];

/** The error for an answer that took too long. */
export function timeoutError(server: string): TokenStoreError {
  return errorOf(TIMEOUT, server, undefined);
}

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
    const kind =
      KINDS.find(({ numbers }) => numbers.some((number) => number === numberOf(cause))) ??
      KINDS.find((each) => each.name?.test(name));
    if (kind !== undefined) return errorOf(kind, server, cause);
  }
  return networkFailure(error, server);
}

function errorOf({ code, advice }: Kind, server: string, cause: unknown): TokenStoreError {
  const driverCode = driverCodeOf(cause);
  return new TokenStoreError(code, `MongoDB (${server}) ${advice}`, { driverCode });
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

/** Why no server could be chosen, and what was beneath. */
function causesOf(error: unknown): unknown[] {
  const { cause, reason } = Object(error);
  const servers: unknown = Object(reason).servers;
  const errors = servers instanceof Map ? [...servers.values()].map((each) => each.error) : [];
  return [cause, ...errors]
    .filter((each) => each != null)
    .flatMap((each) => [each, ...causesOf(each)]);
}
