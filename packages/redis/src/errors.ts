import { TokenStoreError } from '@tokenkeep/core';
import {
  connectionFailed,
  type Meanings,
  meaningOf,
  networkFailure,
} from '@tokenkeep/core/adapter/server';

/** By the first words of error replies (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
const MEANINGS: Meanings = {
  'NOAUTH|WRONGPASS|NOPERM': [
    'ACCESS_DENIED',
    'Redis refuses this user or password. Correct them, and allow the user both keys of the store and the commands that its README lists.',
  ],
  'READONLY|NOREPLICAS|MISCONF': [
    'READ_ONLY',
    'This Redis server takes no writes. Connect to the primary, or see in its log why it refuses them.',
  ],
  OOM: [
    'STORAGE_FULL',
    'Redis has no memory left. Give it more (maxmemory) and try again; nothing was changed.',
  ],
  'LOADING|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|MOVED|ASK': [
    'CONNECTION_FAILED',
    'Redis is not ready to serve. Try again.',
  ],
  BUSY: [
    'STORE_BUSY',
    "Redis is busy with somebody's script. Try again; if it goes on, look for that script.",
  ],
  'WRONGTYPE|FORMAT': [
    'SCHEMA_UNKNOWN',
    'What stands under the keys of this store is no token store of this version. Give another prefix, or upgrade @tokenkeep/redis if a newer version made it; it was left as it is.',
  ],
};

/** What ioredis says itself, without a code, where there is no connection. */
const NO_CONNECTION =
  /^Connection is closed|^None of startup nodes|^Command aborted|^Reached the max retries|^Too many Cluster redirections|^Cluster is |^All sentinels are unreachable|^Stream isn't writeable|^Socket timeout/;

/** The word that an error reply begins with. */
export function errorWord(error: Error): string {
  return /^(?:ERR Error running script.*?-)?([A-Z]+)\b/.exec(error.message)?.[1] ?? '';
}

/**
 * The client's errors in our terms. Of their text only a code is ever used: it may hold values.
 *
 * @param server where it is, for the message
 */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  if (!(error instanceof Error)) return undefined;
  // A Cluster, or a set of Sentinels, of which no node could be used, says of the last one why.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) {
    const reason = translateError(error.lastNodeError, server);
    if (reason !== undefined) return reason;
  }
  const isDenied = /ACL failure|invalid password|no permission/i.test(error.message);
  const meaning = meaningOf(MEANINGS, isDenied ? 'NOPERM' : errorWord(error), server);
  if (meaning !== undefined) return meaning;
  const isBroken = NO_CONNECTION.test(error.message) || error.name === 'ClusterAllFailedError';
  return isBroken ? connectionFailed(server) : networkFailure(error, server);
}
