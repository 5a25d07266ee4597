import { isDeepStrictEqual } from 'node:util';
import type { TokenRecord } from '@tokenkeep/core';
import type { Call, MadeCall, Outcome } from './calls.ts';
import type { PlainRecord } from './expectations.ts';

/** The record of one user, or that there is none. */
type State = PlainRecord | null;

/**
 * Whether some order of the calls explains how all of them ended: an order in which a call that had
 * ended before another began comes before it. One record at a time: if each record's calls have such
 * an order, all of them have one (Herlihy and Wing, 1990).
 *
 * The search is that of Wing and Gong, which does not try again what it has tried from the same
 * record with the same calls left.
 *
 * @param history the calls that can concern the record of one user, and how they ended for it
 */
export function hasOrder(history: readonly MadeCall[], start: State = null): boolean {
  const calls = history.toSorted((a, b) => a.start - b.start);
  const tried = new Set<string>();
  const explain = (left: readonly MadeCall[], state: State): boolean => {
    if (left.length === 0) return true;
    const key = `${left.map((call) => calls.indexOf(call)).join()} ${JSON.stringify(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const firstEnd = Math.min(...left.map(({ end }) => end));
    return left.some((made) => {
      if (made.start > firstEnd) return false;
      const next = stateAfter(state, made.call, made.outcome);
      return (
        next !== undefined &&
        explain(
          left.filter((other) => other !== made),
          next,
        )
      );
    });
  };
  return explain(calls, start);
}

/** The record after a call that ended so; `undefined` if it can't have ended so on this record. */
function stateAfter(state: State, call: Call, outcome: Outcome): State | undefined {
  switch (call.method) {
    case 'saveToken':
      return stateAfterSave(state, call, outcome);
    case 'findToken':
      return isDeepStrictEqual(outcome.value, means(call.token, state) ? state : null)
        ? state
        : undefined;
    case 'findTokenById':
      return isDeepStrictEqual(outcome.value, state?.['id'] === call.id ? state : null)
        ? state
        : undefined;
    case 'getTokens':
    case 'tokens':
      return isDeepStrictEqual(outcome.value, state === null ? [] : [state]) ? state : undefined;
    case 'deleteToken':
      if (outcome.refused !== undefined) return undefined;
      return state?.['id'] === call.id ? null : state;
    case 'deleteTokens':
      return outcome.refused === undefined ? null : undefined;
  }
}

function stateAfterSave(
  state: State,
  { token, options }: Call & { method: 'saveToken' },
  outcome: Outcome,
): State | undefined {
  const ifVersion = options?.ifVersion;
  const conflicts = ifVersion !== undefined && ifVersion !== (state?.['version'] ?? 0);
  if (outcome.refused !== undefined) {
    return conflicts && outcome.refused === 'VERSION_CONFLICT' ? state : undefined;
  }
  const saved = outcome.value;
  if (conflicts || saved == null || Array.isArray(saved)) return undefined;
  const { id, version } = saved as PlainRecord;
  const hasGrown = version === undefined || Number(version) > Number(state?.['version'] ?? 0);
  const expected = {
    ...state,
    ...token,
    id: state?.['id'] ?? id,
    ...(version === undefined ? {} : { version }),
  };
  return hasGrown && isDeepStrictEqual(saved, expected) ? expected : undefined;
}

/** Every token of these histories names one user, or one token that only this user ever had. */
function means(token: TokenRecord, state: State): boolean {
  if (state === null) return false;
  return (['userName', 'refreshToken', 'accessToken'] as const).some(
    (key) => token[key] != null && token[key] === state[key],
  );
}
