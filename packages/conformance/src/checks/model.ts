import fc from 'fast-check';
import { type Call, type MadeCall, perform, performTimed } from '../calls.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import { concurrentCalls, USERS } from '../concurrent-programs.ts';
import type { TokenStoreDefinition } from '../definition.ts';
import type { PlainRecord } from '../expectations.ts';
import { onlyKept } from '../kept-fields.ts';
import { hasOrder } from '../linearizability.ts';
import { type PlannedCall, plannedCalls } from '../programs.ts';
import { PromiseBroken } from '../promise-broken.ts';
import { holdsForAll } from '../property.ts';
import { SEQUENCE_CLAUSES, VERSION_CLAUSES } from '../reference-clause.ts';
import { ReferenceModel } from '../reference-model.ts';
import { show } from '../show.ts';
import { runTogether } from '../store-process.ts';

export const modelChecks: readonly Check[] = [
  {
    clause: 'M1',
    finds: SEQUENCE_CLAUSES,
    title: 'random sequences of calls end as they do on the reference store',
    why: 'Cases that nobody thought of are cases that somebody runs into.',
    hint: 'Make the calls of the sequence by hand; the last of them is the one that went wrong. @tokenkeep/list shows how it is meant.',
    run: (context) => compareWithModel(context, false),
  },
  {
    clause: 'V2',
    finds: VERSION_CLAUSES,
    title: 'random sequences of calls with ifVersion end as they do on the reference store',
    why: 'A condition that holds too often, or too seldom, shows in combinations only.',
    hint: 'Make the calls of the sequence by hand; the last of them is the one that went wrong.',
    run: (context) => compareWithModel(context, true),
  },
  {
    clause: 'A2',
    title: 'for random concurrent calls there is an order that explains how each of them ended',
    why: 'What no order explains, no program is written for.',
    hint: 'Let a save read and write in one step, and a read take a record in one piece.',
    async run(context) {
      await holdsForAll(
        context,
        concurrentCalls(3, 4),
        context.rounds(60, 20),
        async (program, inner) => {
          const stores = await inner.openMany(program.length);
          const ids: string[] = [];
          const made = await Promise.all(
            program.map(async (calls, lane): Promise<MadeCall[]> => {
              const done: MadeCall[] = [];
              for (const planned of calls) {
                await inner.interleave();
                const store = stores[lane];
                if (store === undefined) return done;
                const one = await performTimed(store, withId(planned, ids, context.definition));
                rememberId(one, ids);
                done.push(one);
              }
              return done;
            }),
          );
          const [store] = stores;
          if (store === undefined) return;
          requireOrder([...made.flat(), await performTimed(store, { method: 'getTokens' })], inner);
        },
      );
    },
  },
  {
    clause: 'S1',
    title:
      'for random concurrent calls of several processes there is an order that explains how each of them ended',
    why: 'What no order explains, no program is written for.',
    hint: 'Use a transaction or a lock that holds other processes too.',
    async run(context) {
      const rounds = context.rounds(25, 10);
      const programs = fc.sample(concurrentCalls(3, 5), {
        seed: context.settings.seed,
        numRuns: rounds,
      });
      const processes = await context.processes(3);
      const store = await context.open();
      for (const program of programs) {
        await store.deleteTokens();
        // Two records are there before, so that there are ids to name.
        const first: MadeCall[] = [];
        for (const userName of USERS) {
          const token = { userName, clientId: 'c', refreshToken: `${userName}-r1` };
          first.push(await performTimed(store, { method: 'saveToken', token }));
        }
        const ids = first.map((one) => String(idIn(one)));
        const calls = program.map((lane) =>
          lane.map((planned) => withId(planned, ids, context.definition)),
        );
        const made = await runTogether(processes, calls);
        const last = await performTimed(store, { method: 'getTokens' });
        requireOrder([...first, ...made, last], context);
      }
    },
  },
];

async function compareWithModel(context: CheckContext, withVersions: boolean): Promise<void> {
  const hasVersions = context.definition.versions === true;
  const isIterable = context.definition.iterable === true;
  const { strict } = context.settings;
  await holdsForAll(
    context,
    plannedCalls(withVersions),
    context.rounds(120, 60),
    async (plan, inner) => {
      const store = await inner.open();
      const model = new ReferenceModel(hasVersions);
      for (const planned of plan) {
        const call = filledIn(planned, model, context.definition);
        if (model.leavesOrderOpen(call) || (!strict && model.leavesRoom(call))) continue;
        await model.follow(call, await perform(store, call));
        const isThere = async (id: string): Promise<boolean> =>
          (await perform(store, { method: 'findTokenById', id })).value != null;
        await model.compareAll(await perform(store, { method: 'getTokens' }), call, isThere);
        if (!isIterable) continue;
        const one: Call = { method: 'tokens' };
        await model.compareAll(await perform(store, one), one, isThere);
      }
    },
  );
}

function filledIn(
  { call, id, ifVersion }: PlannedCall,
  model: ReferenceModel,
  definition: TokenStoreDefinition,
): Call {
  const actualId = typeof id === 'number' ? (model.usedIds[id] ?? 'unknown') : id;
  if (call.method === 'findTokenById') return { ...call, id: actualId ?? 'unknown' };
  if (call.method === 'deleteToken') {
    const named = { ...call, id: actualId ?? 'unknown' };
    if (ifVersion === undefined) return named;
    // Version 0 is that of no record: there is nothing to delete over it.
    const version =
      ifVersion === 'current' ? Math.max(1, model.versionFor({ id: named.id })) : ifVersion;
    return { ...named, options: { ifVersion: version } };
  }
  if (call.method !== 'saveToken' && call.method !== 'findToken') return call;
  const kept = onlyKept(call.token, definition);
  const token = actualId === undefined ? kept : { ...kept, id: actualId };
  if (call.method === 'findToken' || ifVersion === undefined) return { ...call, token };
  const version = ifVersion === 'current' ? model.versionFor(token) : ifVersion;
  return { ...call, token, options: { ...call.options, ifVersion: version } };
}

function withId(
  { call, id }: PlannedCall,
  ids: readonly string[],
  definition: TokenStoreDefinition,
): Call {
  if (call.method === 'saveToken') return { ...call, token: onlyKept(call.token, definition) };
  if (call.method !== 'findTokenById' && call.method !== 'deleteToken') return call;
  return { ...call, id: (typeof id === 'number' ? ids[id] : id) ?? 'unknown' };
}

function rememberId({ call, outcome }: MadeCall, ids: string[]): void {
  if (call.method !== 'saveToken' || outcome.value == null || Array.isArray(outcome.value)) return;
  const { id } = outcome.value as PlainRecord;
  if (typeof id === 'string' && !ids.includes(id)) ids.push(id);
}

function requireOrder(made: readonly MadeCall[], context: CheckContext): void {
  for (const user of USERS) {
    const history = made.flatMap((one) => concerning(user, one, made, context));
    if (hasOrder(history)) continue;
    const start = Math.min(...history.map((one) => one.start));
    const lines = history
      .toSorted((a, b) => a.start - b.start)
      .map(
        (one) =>
          `${(one.start - start).toFixed(2)} to ${(one.end - start).toFixed(2)} ms: ${show(one.call)} gave ${show(one.outcome.refused ?? one.outcome.value)}`,
      );
    throw new PromiseBroken(
      `an order of the calls that explains how each of them ended for ${user}`,
      'there is none',
      { done: lines },
    );
  }
}

/** A call as it concerns the record of one user: nothing, or the call with the part of its outcome that is about it. */
function concerning(
  user: string,
  one: MadeCall,
  all: readonly MadeCall[],
  context: CheckContext,
): MadeCall[] {
  const { call, outcome } = one;
  const isTheirs = (record: PlainRecord): boolean => record['userName'] === user;
  const plain = (record: PlainRecord): PlainRecord => {
    const { version, ...rest } = record;
    return context.definition.versions === true ? { ...rest, version } : rest;
  };
  const value: unknown = outcome.value;
  switch (call.method) {
    case 'saveToken':
    case 'findToken': {
      const { userName, refreshToken } = call.token;
      if (userName !== user && !refreshToken?.startsWith(`${user}-`)) return [];
      return [
        outcome.value == null
          ? one
          : { ...one, outcome: { value: plain(outcome.value as PlainRecord) } },
      ];
    }
    case 'findTokenById':
    case 'deleteToken': {
      const owned = all.some(
        (other) =>
          other.call.method === 'saveToken' &&
          other.call.token.userName === user &&
          idIn(other) === call.id,
      );
      if (!owned) return [];
      return [value == null ? one : { ...one, outcome: { value: plain(value as PlainRecord) } }];
    }
    case 'getTokens':
    case 'tokens':
      if (!Array.isArray(value)) return [one];
      return [{ ...one, outcome: { value: value.filter(isTheirs).map(plain) } }];
    case 'deleteTokens':
      return [one];
  }
}

function idIn({ outcome }: MadeCall): unknown {
  return outcome.value == null || Array.isArray(outcome.value)
    ? undefined
    : (outcome.value as PlainRecord)['id'];
}
