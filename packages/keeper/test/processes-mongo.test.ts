import mongo from '../../mongo/test/definition.ts';
import { testCalls, testWriters } from './processes/scenarios.ts';

testCalls(mongo);
testWriters(mongo);
