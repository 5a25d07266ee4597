import fc from 'fast-check';
import type { PlannedCall } from './programs.ts';

/** Whose records the calls are about. */
export const USERS = ['ada', 'bob'] as const;

/** A few sequences of calls that run side by side, over the records of two users. */
export function concurrentCalls(count: number, calls: number): fc.Arbitrary<PlannedCall[][]> {
  let unique = 0;
  const user = fc.constantFrom(...USERS);
  const save = fc
    .record({
      user,
      refresh: fc.constantFrom(1, 2),
      part: fc.constantFrom('both', 'access', 'scope'),
    })
    .map(({ user: userName, refresh, part }): PlannedCall => {
      unique += 1;
      const tokens = {
        both: { refreshToken: `${userName}-r${refresh}`, accessToken: `${userName}-a${unique}` },
        access: { accessToken: `${userName}-a${unique}`, scope: `s${unique}` },
        scope: { refreshToken: `${userName}-r${refresh}`, scope: `s${unique}` },
      };
      return { call: { method: 'saveToken', token: { userName, clientId: 'c', ...tokens[part] } } };
    });
  const find = fc
    .record({ user, refresh: fc.constantFrom(0, 1, 2) })
    .map(({ user: userName, refresh }): PlannedCall => {
      const token =
        refresh === 0
          ? { userName, clientId: 'c' }
          : { clientId: 'c', refreshToken: `${userName}-r${refresh}` };
      return { call: { method: 'findToken', token } };
    });
  const byId = fc
    .record({
      id: fc.nat({ max: 2 }),
      method: fc.constantFrom('findTokenById' as const, 'deleteToken' as const),
    })
    .map(({ id, method }): PlannedCall => ({ call: { method, id: '' }, id }));
  const all = fc
    .constantFrom('getTokens' as const, 'deleteTokens' as const)
    .map((method): PlannedCall => ({ call: { method } }));
  const call = fc.oneof(
    { arbitrary: save, weight: 6 },
    { arbitrary: find, weight: 3 },
    { arbitrary: byId, weight: 2 },
    { arbitrary: all, weight: 1 },
  );
  return fc.array(fc.array(call, { maxLength: calls, size: 'max' }), {
    minLength: count,
    maxLength: count,
  });
}
