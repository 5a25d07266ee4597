import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { invalidOption, requireKnownOptions, requireTimeout } from '@tokenkeep/core/adapter';
import { isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';

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
  readonly tls: boolean;
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
  if (client !== undefined && given.options !== undefined) {
    throw invalidOption('options', 'is given together with client: give one of them');
  }
  if (client !== undefined && typeof client?.send !== 'function') {
    throw invalidOption('client', 'must be a DynamoDBClient');
  }
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('options', "must be what the SDK's DynamoDBClient is made with");
  }
  if (tls !== undefined && tls !== false) {
    throw invalidOption('tls', 'must be false or left out');
  }
  if (tls !== false && typeof options.endpoint === 'string' && URL.canParse(options.endpoint)) {
    requireEncryption(new URL(options.endpoint));
  }
  return { table, client, options, tls: tls !== false, timeout: requireTimeout(timeout) };
}

/** @throws TokenStoreError `TLS_REQUIRED` */
export function requireEncryption({
  protocol,
  hostname,
}: {
  readonly protocol: string;
  readonly hostname: string;
}): void {
  if (protocol === 'http:' && !isLoopback(hostname)) throw tlsRequired(hostname);
}
