import type { Contender } from '../contender.ts';
import { awsSecretsManager } from './aws-secrets-manager.ts';
import { dynamodb } from './dynamodb.ts';
import { file } from './file.ts';
import { firestore } from './firestore.ts';
import { list } from './list.ts';
import { memory } from './memory.ts';
import { mongo } from './mongo.ts';
import { mysql } from './mysql.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { sqlite } from './sqlite.ts';

/** All that is measured, in this order. */
export const CONTENDERS: readonly Contender[] = [
  memory,
  list,
  file,
  sqlite,
  mysql,
  postgres,
  redis,
  mongo,
  firestore,
  dynamodb,
  awsSecretsManager,
];
