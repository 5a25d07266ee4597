import { setTimeout as wait } from 'node:timers/promises';
import { TokenStoreError } from '@tokenkeep/core';
import { awsErrorName } from '@tokenkeep/core/adapter/server';
import { OTHER_KEYS, schemaUnknown } from './errors.ts';
import type { CheckedOptions } from './options.ts';
import { Requests } from './requests.ts';

/** A new table takes some seconds: milliseconds. */
const MAX_WAIT = 120_000;

/** Creates the table if there is none, with a connection of its own, and waits until it is there. */
export async function createTable(options: CheckedOptions): Promise<void> {
  const requests = new Requests(options);
  await requests.open();
  try {
    const end = performance.now() + MAX_WAIT;
    for (
      let time = 50;
      !(await isThere(requests, options.table));
      time = Math.min(2 * time, 2_000)
    ) {
      if (performance.now() > end) {
        throw new TokenStoreError(
          'TIMEOUT',
          `The table ${options.table} was not there after ${MAX_WAIT / 1000} s. See what the AWS console says of it, and call createTable() again.`,
        );
      }
      await wait(time);
    }
  } finally {
    requests.close();
  }
}

async function isThere(requests: Requests, TableName: string): Promise<boolean> {
  try {
    const { Table } = await requests.send(
      ({ DescribeTableCommand }) => new DescribeTableCommand({ TableName }),
    );
    if (Table?.TableStatus !== 'ACTIVE' && Table?.TableStatus !== 'UPDATING') return false;
    const keys = (Table.KeySchema ?? []).map((key) => `${key.AttributeName} ${key.KeyType}`);
    if (keys.sort().join() === 'pk HASH,sk RANGE') return true;
    throw schemaUnknown(TableName, OTHER_KEYS);
  } catch (error) {
    if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
    await create(requests, TableName);
    return false;
  }
}

async function create(requests: Requests, TableName: string): Promise<void> {
  try {
    await requests.send(
      ({ CreateTableCommand }) =>
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'N' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
    );
  } catch (error) {
    // Another process was faster, or one of this name is being deleted.
    if (awsErrorName(error) !== 'ResourceInUseException') throw error;
  }
}
