import { awsErrorName } from '@tokenkeep/core/adapter/server';
import { OTHER_KEYS, schemaUnknown } from './errors.ts';
import { type Item, numberIn, type Place } from './items.ts';
import type { Requests } from './requests.ts';
import type { Condition } from './transaction.ts';

/** The item that all records have in common: the schema, and the highest version that was deleted. */
export const STORE: Place = ['store', 0];
const SCHEMA = 1;

/** Makes the item, or sees whether it is of this schema. */
export async function openStore(requests: Requests, table: string): Promise<void> {
  const found = await requests.getOne(STORE).catch((error: unknown) => {
    if (awsErrorName(error) !== 'ValidationException') throw error;
    throw schemaUnknown(table, OTHER_KEYS);
  });
  const store =
    found ??
    (await requests.update(STORE, 'SET #schema = if_not_exists(#schema, :schema)', {
      ExpressionAttributeNames: { '#schema': 'schema' },
      ExpressionAttributeValues: { ':schema': { N: `${SCHEMA}` } },
    }));
  if (numberIn(store, 'schema') !== SCHEMA) {
    throw schemaUnknown(
      table,
      'was made by a later version of this package. Upgrade it, or name another table',
    );
  }
}

export function deletedVersionIn(item: Item | undefined): number {
  return numberIn(item, 'deletedVersion');
}

export function isDeletedVersion(version: number): Condition {
  const isNone = version === 0 ? 'attribute_not_exists(deletedVersion) OR ' : '';
  return {
    ConditionExpression: `${isNone}deletedVersion = :version`,
    ExpressionAttributeValues: { ':version': { N: `${version}` } },
  };
}

/** Sees to it that the highest deleted version is at least this. */
export async function raiseDeletedVersion(requests: Requests, version: number): Promise<void> {
  try {
    await requests.update(STORE, 'SET deletedVersion = :version', {
      ConditionExpression: 'attribute_not_exists(deletedVersion) OR deletedVersion < :version',
      ExpressionAttributeValues: { ':version': { N: `${version}` } },
    });
  } catch (error) {
    // It is as high already.
    if (awsErrorName(error) !== 'ConditionalCheckFailedException') throw error;
  }
}
