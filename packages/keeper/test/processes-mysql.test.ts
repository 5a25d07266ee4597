import { mysql } from '../../mysql/test/definition.ts';
import { testCalls, testWriters } from './processes/scenarios.ts';

testCalls(mysql);
testWriters(mysql);
