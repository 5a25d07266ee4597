import { single as redis } from '../../redis/test/definition.ts';
import { testCalls, testWriters } from './processes/scenarios.ts';

testCalls(redis);
testWriters(redis);
