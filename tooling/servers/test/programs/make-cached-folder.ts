/** Asks for a folder of the cache; tells when it makes it, and in the end who made it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cachedFolder } from '../../src/cache-folder.ts';

const folder = await cachedFolder('of-a-test', async (unfinished) => {
  console.log(`making ${process.pid}`);
  await wait(Number(process.argv[2]));
  await writeFile(join(unfinished, 'maker'), String(process.pid));
});
console.log(`made by ${await readFile(join(folder, 'maker'), 'utf8')}`);
