import { loadDriver } from '@tokenkeep/core/adapter';
import { awsTlsMiddleware } from '@tokenkeep/core/adapter/server';
import type { CheckedOptions, DynamodbClientLike } from './options.ts';

export type Sdk = typeof import('@aws-sdk/client-dynamodb');

/** A client, and what makes its commands. */
export interface Connection {
  readonly sdk: Sdk;
  readonly client: DynamodbClientLike;
  readonly close: () => void;
}

/** The client that was handed in, or one of our own. */
export async function connect({ client, options, tls }: CheckedOptions): Promise<Connection> {
  const name = '@aws-sdk/client-dynamodb';
  const sdk = await loadDriver(name, () => import('@aws-sdk/client-dynamodb'));
  if (client !== undefined) return { sdk, client, close: () => {} };
  // What is sent again is decided by `Requests`.
  const own = new sdk.DynamoDBClient({ maxAttempts: 1, ...options });
  own.middlewareStack.add(awsTlsMiddleware(tls), { step: 'finalizeRequest', name: 'requireTls' });
  return { sdk, client: own, close: () => own.destroy() };
}
