import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { networkFailure } from '@tokenkeep/core/adapter/server';

type Meaning = readonly [code: TokenStoreErrorCode, advice: string, retryable?: boolean];

const NOT_ALLOWED: Meaning = [
  'ACCESS_DENIED',
  'Redis refuses this user or password. Correct them, and allow the user EVAL, EVALSHA, INFO and the commands on hashes.',
];
const NOT_WRITABLE: Meaning = [
  'READ_ONLY',
  'This Redis server takes no writes. Connect to the primary, or see in its log why it refuses them.',
  true,
];
const NOT_READY: Meaning = [
  'CONNECTION_FAILED',
  'Redis is not ready to serve. Try again in a moment.',
  true,
];
const NOT_OURS: Meaning = [
  'SCHEMA_UNKNOWN',
  'What stands under the key of this store is no token store of this version. Give another prefix, or upgrade; it was left as it is.',
];

/** The first word of an error reply (https://redis.io/docs/latest/develop/reference/protocol-spec/) in our terms. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  NOAUTH: NOT_ALLOWED,
  WRONGPASS: NOT_ALLOWED,
  NOPERM: NOT_ALLOWED,
  READONLY: NOT_WRITABLE,
  NOREPLICAS: NOT_WRITABLE,
  MISCONF: NOT_WRITABLE,
  OOM: [
    'STORAGE_FULL',
    'Redis has no memory left. Give it more (maxmemory) and try again; nothing was changed.',
    true,
  ],
  LOADING: NOT_READY,
  MASTERDOWN: NOT_READY,
  TRYAGAIN: NOT_READY,
  CLUSTERDOWN: NOT_READY,
  MOVED: NOT_READY,
  ASK: NOT_READY,
  BUSY: [
    'STORE_BUSY',
    "Redis is busy with somebody's script. Try again; if it goes on, look for that script.",
    true,
  ],
  WRONGTYPE: NOT_OURS,
  FORMAT: NOT_OURS,
};

/** What ioredis says itself, without a code, where there is no connection. */
const NO_CONNECTION =
  /^Connection is closed|^None of startup nodes|^Command aborted|^Reached the max retries|^Too many Cluster redirections|^Cluster is |^All sentinels are unreachable|^Stream isn't writeable/;

/** The client's errors in our terms. Of their text only a code is ever used: it may hold values. */
export function translateError(error: unknown): TokenStoreError | undefined {
  if (!(error instanceof Error)) return undefined;
  // A Cluster, or a set of Sentinels, of which no node could be used, says of the last one why.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) {
    const reason = translateError(error.lastNodeError);
    if (reason !== undefined) return reason;
  }
  const word = /^(?:ERR Error running script.*?-)?([A-Z]+)\b/.exec(error.message)?.[1] ?? '';
  const meaning = MEANINGS[word];
  if (meaning !== undefined) {
    const [code, advice, retryable = false] = meaning;
    return new TokenStoreError(code, `${advice} (${word})`, { retryable, driverCode: word });
  }
  if (/ACL failure|invalid password|no permission/i.test(error.message)) {
    return new TokenStoreError(NOT_ALLOWED[0], NOT_ALLOWED[1]);
  }
  if (error.message.startsWith('Socket timeout')) {
    return new TokenStoreError(
      'TIMEOUT',
      'Redis did not answer in time. Try again; a save may or may not have happened.',
      { retryable: true },
    );
  }
  if (NO_CONNECTION.test(error.message) || error.name === 'ClusterAllFailedError') {
    return new TokenStoreError(
      'CONNECTION_FAILED',
      'Redis can not be reached, or the connection broke. See that it runs and that host and port are right, then try again; a save may or may not have happened.',
      { retryable: true },
    );
  }
  return networkFailure(error);
}
