import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken } from '@tokenkeep/core';
import { expect, it } from 'vitest';
import { eventLogStore } from './event-log-store.ts';

it('the event log goes on after a line that a killed process left half of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'event-log-'));
  const path = join(folder, 'log');
  const token = (name: string) => new OAuthToken({ userSignature: { name }, refreshToken: name });
  await eventLogStore(path).saveToken(token('ada'));
  appendFileSync(path, '[{"put":{"id":"2","userName":"ca');
  const store = eventLogStore(path);
  await store.saveToken(token('bob'));
  const names = (await eventLogStore(path).getTokens()).map((each) => each.userSignature?.name);
  expect(names).toEqual(['ada', 'bob']);
  rmSync(folder, { recursive: true });
});
