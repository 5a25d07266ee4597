import firestore from '../../firestore/test/definition.ts';
import { testCalls, testWriters } from './processes/scenarios.ts';

testCalls(firestore);
testWriters(firestore);
