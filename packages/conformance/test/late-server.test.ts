import { expect, it } from 'vitest';
import { checkTokenStore } from '../src/index.ts';
import { lateServer } from './late-server.ts';

it('a save that a server finishes after its process was killed is no fault', async () => {
  const report = await checkTokenStore(lateServer, { clauses: ['D3'] });
  expect(report.failures).toEqual([]);
  expect(report.clauses.find(({ clause }) => clause === 'D3')?.status).toBe('passed');
}, 120_000);
