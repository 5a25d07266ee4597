import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findChromium } from '@tokenkeep/test-servers';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

let browser: Browser;
let sample: ChildProcess;
let folder: string;
let printed = '';
/** Of the three processes. */
let addresses: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'web-sample-'));
  const { executablePath, env } = await findChromium();
  browser = await chromium.launch({ executablePath, env: { ...env } });
  sample = spawn(process.execPath, [resolve(import.meta.dirname, '../src/main.ts')], {
    env: { ...process.env, PORT: '0', DATABASE: join(folder, 'tokens.db') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    sample.stdout?.on('data', (chunk) => {
      printed += chunk;
      if (printed.includes('Ctrl+C')) resolve();
    });
    // And not at the end of some time: how long it takes depends on what else the machine does.
    sample.once('exit', (code) =>
      reject(new Error(`The sample has ended with ${code}: ${printed}`)),
    );
  });
  addresses = printed.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
  expect(new Set(addresses)).toHaveLength(3);
}, 600_000);

afterAll(async () => {
  await browser?.close();
  if (sample?.exitCode === null) {
    sample.kill('SIGTERM');
    await once(sample, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

const row = (page: Page, account: string) => page.locator(`#${account}`);

async function logIn(page: Page, user: string): Promise<void> {
  await page.goto(addresses[0] ?? '');
  await page.getByLabel('Name').fill(user);
  await page.getByRole('button', { name: 'Go on' }).click();
}

async function connect(page: Page, account: string): Promise<void> {
  await row(page, account).getByRole('button', { name: 'Connect' }).click();
  await page.getByLabel('Your name').fill('ada at the provider');
  await page.getByRole('button', { name: 'Allow' }).click();
  await row(page, account).getByText('connected', { exact: true }).waitFor();
}

test('a user connects two accounts, calls the API from three processes, and disconnects', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await logIn(page, 'ada');
  await connect(page, 'calendar');
  await connect(page, 'files');
  // It stands in for three users' windows: cookies don't know of ports.
  const pages = await Promise.all([0, 1, 2].map(() => context.newPage()));
  const callFromAll = async (): Promise<string[]> =>
    await Promise.all(
      pages.map(async (one, process) => {
        await one.goto(addresses[process] ?? '');
        await row(one, 'calendar').getByRole('button', { name: 'Call the API' }).click();
        return (await one.getByRole('status').textContent()) ?? '';
      }),
    );
  const answer = '200 {"user":"ada at the provider"}';
  expect(await callFromAll()).toEqual([answer, answer, answer]);
  // Until the access token is over.
  await vi.waitUntil(
    async () => {
      expect(await callFromAll()).toEqual([answer, answer, answer]);
      return printed.includes('refreshes: 1');
    },
    { timeout: 60_000, interval: 1_000 },
  );
  await page.goto(addresses[1] ?? '');
  const picture = process.env['SCREENSHOT'];
  if (picture !== undefined) await page.screenshot({ path: picture });
  await row(page, 'calendar').getByRole('button', { name: 'Disconnect' }).click();
  expect(await page.getByRole('status').textContent()).toBe('calendar is disconnected.');
  await page.goto(addresses[2] ?? '');
  await row(page, 'calendar').getByText('not connected').waitFor();
  await row(page, 'files').getByText('connected', { exact: true }).waitFor();
  expect(printed).not.toMatch(/refused: [1-9]|logins revoked: [1-9]/);
  await context.close();
}, 120_000);

test('a user sees nothing of another', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await logIn(page, '<b>grace</b>');
  expect(await page.getByRole('heading').textContent()).toBe('The accounts of <b>grace</b>');
  expect(await page.locator('tbody').textContent()).not.toMatch(/(?<!not )connected/);
  const forged = await page.goto(`${addresses[0]}/callback?code=1&state=calendar.forged`);
  expect(forged?.status()).toBe(400);
  await context.close();
});
