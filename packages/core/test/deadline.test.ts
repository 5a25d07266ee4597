import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Deadline } from '../src/adapter/server/index.ts';

const never = new Promise<never>(() => {});

it('an answer in time is given on, and so is a failure', async () => {
  const deadline = new Deadline(10_000);
  expect(await deadline.for(Promise.resolve(1), () => 'late')).toBe(1);
  await expect(deadline.for(Promise.reject(new Error('no')), () => 'late')).rejects.toThrow('no');
});

it('an answer that is late is told as TIMEOUT, with the server and the time', async () => {
  const deadline = new Deadline(5, 'db.example:1');
  await expect(deadline.for(never)).rejects.toMatchObject({
    code: 'TIMEOUT',
    retryable: true,
    message: expect.stringMatching(/db\.example:1.* 5 ms/),
  });
});

it('each answer that is late is told so, one after the other', async () => {
  const deadline = new Deadline(30);
  const order: string[] = [];
  const first = deadline.for(never, () => 'first').catch((error) => order.push(error));
  await delay(15);
  const second = deadline.for(never, () => 'second').catch((error) => order.push(error));
  await deadline.for(delay(5), () => 'third');
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
  await expect(deadline.for(never, () => 'again')).rejects.toBe('again');
});

it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('a time of %d is refused', (time) => {
  expect(() => new Deadline(time)).toThrow(/timeout must be a whole number of milliseconds/);
});
