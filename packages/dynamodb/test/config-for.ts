import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/** For the SDK: DynamoDB Local lets everybody in, but the SDK signs every request. */
export function configFor(endpoint: string): DynamoDBClientConfig {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}
