import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type Item, keyOf, type Place } from './items.ts';

/** What must be so, or nothing of a transaction is done. */
export interface Condition {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeValues?: Item;
}

export const isNew: Condition = { ConditionExpression: 'attribute_not_exists(pk)' };

/** @param guard as it was read; `undefined` where there was no item */
export function isGuardedBy(guard: string | undefined): Condition {
  if (guard === undefined) return isNew;
  return {
    ConditionExpression: 'guard = :guard',
    ExpressionAttributeValues: { ':guard': { S: guard } },
  };
}

/** What is written in one step. */
export class Transaction {
  readonly items: TransactWriteItem[] = [];
  /** What makes it known when it is sent again. */
  readonly token: string;
  readonly #table: string;

  constructor(table: string, token: string) {
    this.#table = table;
    this.token = token;
  }

  put(place: Place, item: Item, condition?: Condition): void {
    this.items.push({
      Put: { TableName: this.#table, Item: { ...keyOf(place), ...item }, ...condition },
    });
  }

  delete(place: Place, condition?: Condition): void {
    this.items.push({ Delete: { ...this.#at(place), ...condition } });
  }

  check(place: Place, condition: Condition): void {
    this.items.push({ ConditionCheck: { ...this.#at(place), ...condition } });
  }

  update(
    place: Place,
    UpdateExpression: string,
    values: Record<string, AttributeValue>,
    condition?: Condition,
  ): void {
    const ExpressionAttributeValues = { ...condition?.ExpressionAttributeValues, ...values };
    this.items.push({
      Update: { ...this.#at(place), ...condition, UpdateExpression, ExpressionAttributeValues },
    });
  }

  #at(place: Place): { TableName: string; Key: Item } {
    return { TableName: this.#table, Key: keyOf(place) };
  }
}
