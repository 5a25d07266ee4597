import sqlite from '../../sqlite/test/definition.ts';
import { testCalls, testFailures, testMishaps, testWriters } from './processes/scenarios.ts';

testCalls(sqlite);
testWriters(sqlite);
testMishaps(sqlite);
testFailures(sqlite);
