import { testTokenStore } from '../../src/vitest.ts';
import { slow } from './definitions.ts';

// A file of its own: it waits most of the time, which another file can use.
testTokenStore(slow, { intensity: 'quick' });
