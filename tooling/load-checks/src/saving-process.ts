import process from 'node:process';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken } from '@tokenkeep/core';

// One of several processes that together save each user so many times: `saving-process.ts ORDER`.
const { module, name, place, users, times, inFlight, turn, processes } = JSON.parse(
  process.argv[2] ?? '',
);
const exported: Record<string, TokenStoreDefinition> = await import(module);
const definition = Object.values(exported).find((one) => one.name === name);
if (definition === undefined) throw new Error(`${module} exports no definition named ${name}`);
const store = await definition.open(place);
let next = turn;
const saveSome = async () => {
  while (next < users * times) {
    const n = next;
    next += processes;
    const user = `user ${Math.floor(n / times)}`;
    await store.saveToken(
      new OAuthToken({
        userSignature: { name: user },
        refreshToken: `1000.${user}`,
        accessToken: `${process.pid} ${n}`,
      }),
    );
  }
};
await Promise.all(Array.from({ length: inFlight }, saveSome));
await store.close();
