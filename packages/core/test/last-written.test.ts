import { expect, test } from 'vitest';
import { LastWritten } from '../src/index.ts';

const record = (id: string, refreshToken = 'r') => ({ id, version: 1, refreshToken });

test('a row is taken by any of its keys, once', () => {
  const last = new LastWritten<string>();
  last.keep(record('1'), ['a', 'b'], 'first');
  expect(last.take(['x', 'b'])).toBe('first');
  expect(last.take(['a'])).toBeUndefined();
});

test('keys that lead to two rows lead to none', () => {
  const last = new LastWritten<string>();
  last.keep(record('1'), ['a'], 'first');
  last.keep(record('2'), ['b'], 'second');
  expect(last.take(['a', 'b'])).toBeUndefined();
  expect(last.take(['a'])).toBe('first');
});

test('a key that the record lost leads nowhere', () => {
  const last = new LastWritten<string>();
  last.keep(record('1'), ['a', 'b'], 'first');
  last.keep(record('1'), ['b'], 'second');
  expect(last.take(['a'])).toBeUndefined();
  expect(last.take(['b'])).toBe('second');
});

test('what is forgotten is gone, and so is all that is cleared', () => {
  const last = new LastWritten<string>();
  last.keep(record('1'), ['a'], 'first');
  last.keep(record('2'), ['b'], 'second');
  last.forget('1');
  expect(last.take(['a'])).toBeUndefined();
  last.clear();
  expect(last.take(['b'])).toBeUndefined();
});

test('the oldest make room, by their length', () => {
  const last = new LastWritten<string>();
  const long = 'x'.repeat(60_000);
  for (let n = 0; n < 1_000; n += 1) last.keep(record(String(n), long), [`key ${n}`], String(n));
  const left = Array.from({ length: 1_000 }, (_, n) => last.take([`key ${n}`])).filter(Boolean);
  expect(left.at(-1)).toBe('999');
  expect(left.length).toBeGreaterThan(100);
  expect(left.length).toBeLessThan(140);
});

test('a record that others save, too, is not kept again', () => {
  const last = new LastWritten<string>();
  last.giveUp('1');
  last.keep(record('1'), ['a'], 'first');
  last.keep(record('2'), ['b'], 'second');
  expect(last.take(['a'])).toBeUndefined();
  expect(last.take(['b'])).toBe('second');
});
