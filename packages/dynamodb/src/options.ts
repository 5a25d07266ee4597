import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTimeout,
} from '@tokenkeep/core/adapter';
import { requireAwsTls } from '@tokenkeep/core/adapter/server';

/** What is needed of a `DynamoDBClient`: one of another copy of the SDK will do. */
export interface DynamodbClientLike {
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of `send` differ from one version of the SDK to the next
  send(command: any, options?: { abortSignal?: AbortSignal }): Promise<any>;
}

/** Options of `DynamodbTokenStore`. */
export interface DynamodbTokenStoreOptions {
  /**
   * The name of the table.
   *
   * @default 'oauthtoken'
   */
  table?: string;
  /** A `DynamoDBClient` of yours: it is used and never destroyed. Not together with `options`. */
  client?: DynamodbClientLike;
  /**
   * What the SDK's `DynamoDBClient` is made with: `region`, `credentials`, `endpoint`, ...
   *
   * @default what the environment says
   */
  options?: DynamoDBClientConfig;
  /** `false`: allow an endpoint without encryption on another host than this machine. */
  tls?: false;
  /**
   * How long one step may take, with what is sent again when DynamoDB throttles: milliseconds.
   *
   * @default 10_000
   */
  timeout?: number;
}

/** The options with their defaults. */
export interface CheckedOptions
  extends Required<Omit<DynamodbTokenStoreOptions, 'client' | 'tls'>> {
  readonly client: DynamodbClientLike | undefined;
  readonly tls: false | undefined;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: DynamodbTokenStoreOptions): CheckedOptions {
  requireKnownOptions(
    'DynamodbTokenStore',
    given,
    ['table', 'client', 'options', 'tls', 'timeout'],
    "{ table: 'tokens' }",
  );
  const { table = 'oauthtoken', client, options = {}, tls, timeout = 10_000 } = given;
  if (typeof table !== 'string' || !/^[\w.-]{3,255}$/.test(table)) {
    throw invalidOption('table', 'must be a name of 3 to 255 letters, digits, _, - and .');
  }
  refuseTogether(given, 'client', 'options');
  if (client !== undefined && typeof client?.send !== 'function') {
    throw invalidOption('client', 'must be a DynamoDBClient');
  }
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('options', "must be what the SDK's DynamoDBClient is made with");
  }
  requireFalseIfGiven(tls);
  requireAwsTls(options.endpoint, tls);
  return { table, client, options, tls, timeout: requireTimeout(timeout) };
}
