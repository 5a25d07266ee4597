import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken } from '@tokenkeep/core';
import type { Probe } from './million-records.ts';

// Finds and saves a record of its own until it is told to stop: `probing-process.ts ORDER`.
const { module, name, place } = JSON.parse(process.argv[2] ?? '');
const exported: Record<string, TokenStoreDefinition> = await import(module);
const definition = Object.values(exported).find((one) => one.name === name);
if (definition === undefined) throw new Error(`${module} exports no definition named ${name}`);
const store = await definition.open(place);
const ada = new OAuthToken({ userSignature: { name: 'ada beside' }, refreshToken: 'r beside' });
await store.saveToken(ada);

let isOver = false;
process.once('message', () => {
  isOver = true;
});
process.send?.('ready');
const longest = { find: 0, save: 0 };
let finds = 0;
const timed = async (kind: 'find' | 'save', work: () => Promise<unknown>): Promise<void> => {
  const started = performance.now();
  await work();
  longest[kind] = Math.max(longest[kind], performance.now() - started);
};
while (!isOver) {
  await timed('find', () => store.findToken(ada));
  await timed('save', () => store.saveToken(ada.with({ scope: `${finds}` })));
  finds += 1;
  await wait(2);
}
await store.close();
const probe: Probe = { finds, longestFind: longest.find, longestSave: longest.save };
process.send?.(probe);
process.disconnect();
