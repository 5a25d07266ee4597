import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  unlessRefused,
} from '../expectations.ts';
import { firstLine } from '../failure-cause.ts';
import { leakIn } from '../leaks.ts';
import { LeftTimers } from '../left-timers.ts';
import type { ObservedStore } from '../observed-store.ts';
import { PromiseBroken, Untested } from '../promise-broken.ts';
import { show } from '../show.ts';

/** With these codes the same call fails again: there is something to put right first. */
const IN_VAIN: readonly unknown[] = [
  'INVALID_TOKEN',
  'AMBIGUOUS_TOKEN',
  'TOKEN_CONFLICT',
  'VERSION_CONFLICT',
  'STORE_CLOSED',
];

interface Provoked {
  readonly what: string;
  readonly error: unknown;
}

export const failingChecks: readonly Check[] = [
  {
    clause: 'C14',
    title: 'a failure rejects with a code, the operation and whether to try again',
    why: 'A program decides by the code what to do: log in again, wait, or give up.',
    hint: 'Reject with the errors of @tokenkeep/core, and name the method as the operation.',
    async run(context) {
      for (const { what, error } of await provoke(context)) {
        const shape = {
          error: error instanceof Error,
          code: typeof Reflect.get(Object(error), 'code'),
          operation: Reflect.get(Object(error), 'operation'),
          retryable: typeof Reflect.get(Object(error), 'retryable'),
        };
        const operation = what.split('(', 1)[0];
        expectSame(
          shape,
          { error: true, code: 'string', operation, retryable: 'boolean' },
          `what ${what} rejected with`,
        );
        const code: unknown = Reflect.get(Object(error), 'code');
        if (!IN_VAIN.includes(code)) continue;
        expectSame(
          Reflect.get(Object(error), 'retryable'),
          false,
          `retryable of the error with the code ${code} that ${what} rejected with`,
        );
      }
    },
  },
  {
    clause: 'C14',
    title: 'no failure shows a secret, in its message, stack, cause, JSON or inspection',
    why: 'Errors are logged and sent to services; drivers put the values of a statement into theirs.',
    hint: 'Make a new error without a cause, and never put a value of the token into its text.',
    async run(context) {
      for (const { what, error } of await provoke(context)) {
        const leak = leakIn(error, context.secrets);
        if (leak !== undefined) {
          throw new PromiseBroken(
            `what ${what} rejected with to show no secret`,
            `it shows one: ${leak}`,
          );
        }
        const cause: unknown = Reflect.get(Object(error), 'cause');
        expect(
          cause === undefined,
          `what ${what} rejected with to have no cause`,
          `it carries ${firstLine(cause)}`,
        );
      }
    },
  },
  {
    clause: 'C14',
    title: 'every method gives a promise, and a failure is a rejection, not a throw',
    why: 'A throw before the promise goes past every .catch().',
    hint: 'Make the methods async.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      const calls: readonly [Exclude<keyof typeof store.raw, symbol | 'tokens'>, unknown[]][] = [
        ['findToken', [token]],
        ['findToken', [null]],
        ['findTokenById', ['1']],
        ['findTokenById', [1]],
        ['saveToken', [token]],
        ['saveToken', []],
        ['saveToken', [new OAuthToken({ scope: 'a' })]],
        ['deleteToken', ['1']],
        ['deleteToken', [{}]],
        ['getTokens', []],
        ['deleteTokens', []],
        ['close', []],
        ['getTokens', []],
      ];
      for (const [method, args] of calls) {
        const call = `${method}(${args.map(show).join(', ')})`;
        let given: unknown;
        try {
          given = Reflect.apply(Reflect.get(store.raw, method), store.raw, args);
        } catch (error) {
          throw new PromiseBroken(`${call} to give a promise`, `it threw ${firstLine(error)}`);
        }
        const isPromise = typeof given === 'object' && given !== null && 'then' in given;
        expect(isPromise, `${call} to give a promise`, `it gave ${show(given)}`);
        await Promise.resolve(given).catch(() => undefined);
      }
      store.isClosed = true;
    },
  },
  {
    clause: 'C14',
    title: 'tokens() gives an iterable whatever is wrong, and its first step rejects',
    why: 'What is thrown before the loop goes past its try; what fails before anybody asks ends the process.',
    hint: 'Write tokens() as an async generator: nothing runs before its first step.',
    async run(context) {
      if (context.definition.iterable !== true) return;
      const store = await context.open();
      await store.saveToken(context.token());
      await store.close();
      let given: unknown;
      try {
        given = store.raw.tokens?.();
      } catch (error) {
        throw new PromiseBroken(
          'tokens() of a closed store to give an iterable',
          `it threw ${firstLine(error)}`,
        );
      }
      expect(
        typeof given === 'object' && given !== null && Symbol.asyncIterator in given,
        'tokens() of a closed store to give an iterable',
        `it gave ${show(given)}`,
      );
      // Nobody asks for its first: whatever it has begun all the same is reported by the kit.
      for (let turn = 0; turn < 5; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await expectRefused(store.tokens().next(), 'STORE_CLOSED', 'the first step of tokens()');
    },
  },
  {
    clause: 'C14',
    title: 'after a failure the next call works',
    why: 'A transaction that was left open, or a lock that was not let go, stops everybody.',
    hint: 'Roll back and let go in a finally.',
    async run(context) {
      const store = await context.open();
      const another = await context.open();
      for (const { what } of await provokeOn(context, store)) {
        const token = context.token();
        for (const handle of [store, another]) {
          await handle.saveToken(token);
          const found = await handle.findToken(token);
          expectSame(
            found && recordOf(found)['accessToken'],
            token.accessToken,
            `the access token found after ${what} failed`,
          );
        }
      }
      const tokens = [
        context.token(),
        new OAuthToken({ scope: 'a' }),
        context.token(),
        new OAuthToken({}),
      ];
      const settled = await Promise.allSettled(tokens.map((token) => store.saveToken(token)));
      expectSame(
        settled.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
        'how saves end that run beside ones that fail',
      );
    },
  },
  {
    clause: 'C14',
    title: 'a missing or wrong argument is refused and never ignored',
    why: 'An option that is misspelt and ignored is a condition that does not hold.',
    hint: 'Check every argument first; refuse options that you do not know.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      const id = idOf(await store.saveToken(token));
      await expectRefused(store.call('findToken'), 'INVALID_TOKEN', 'findToken()');
      await expectRefused(store.call('findTokenById'), 'INVALID_TOKEN', 'findTokenById()');
      await expectRefused(store.call('saveToken'), 'INVALID_TOKEN', 'saveToken()');
      await expectRefused(store.call('deleteToken'), 'INVALID_TOKEN', 'deleteToken()');
      await expectRefused(
        store.call('deleteToken', token),
        'INVALID_TOKEN',
        'deleteToken(a token)',
      );
      for (const options of [
        1,
        'text',
        { ifVersion: '1' },
        { ifVersion: -1 },
        { ifVersion: 1.5 },
        { ifVersion: Number.NaN },
        null,
        [],
        0,
        { ifversion: 1 },
        { ifExist: true },
        { merge: true },
        { ifExists: null },
        { ifExists: 0 },
        { ifExists: 1 },
        { ifExists: {} },
        { clear: null },
      ]) {
        await expectRefused(
          store.call('saveToken', token, options),
          'INVALID_TOKEN',
          `saveToken(token, ${show(options)})`,
        );
      }
      if (context.definition.versions === true) {
        for (const options of [null, 0, [], { version: 1 }, { ifVersion: null }]) {
          await expectRefused(
            store.call('deleteToken', id, options),
            'INVALID_TOKEN',
            `deleteToken(id, ${show(options)})`,
          );
        }
      }
      expectSame(idOf(await store.findTokenById(id)), id, 'the id of the record after all that');
    },
  },
  {
    clause: 'C14',
    title: 'nothing is thrown outside of a promise, and every call settles',
    why: 'What is thrown out of a callback or a timer ends the process of whoever uses the store.',
    hint: 'Listen to the errors of connections, and return or await every promise.',
    async run(context) {
      const store = await context.open();
      const tokens = Array.from({ length: 12 }, () => context.token());
      await Promise.all(tokens.map((token) => store.saveToken(token)));
      await provokeOn(context, store);
      await Promise.all([
        ...tokens.map((token) => store.findToken(token)),
        store.getTokens(),
        store.deleteTokens(),
      ]);
      await store.close();
      // What a timer of the store does, it does within some turns; what is caught is reported by the kit.
      for (let turn = 0; turn < 20; turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 1));
    },
  },
  {
    clause: 'C14',
    title: 'nothing is thrown later either, by what the store has left to a timer',
    why: 'A process that ends twenty seconds after the call that was at fault tells nobody why.',
    hint: 'Clear every timer when what it was for has ended, and handle what its callback rejects with.',
    async run(context) {
      const timers = new LeftTimers();
      timers.start();
      try {
        await timers.during(async () => {
          const store = await context.open();
          await provokeOn(context, store);
          const token = context.token();
          await store.saveToken(token);
          await store.findToken(token);
          await store.findTokenById(context.value('id'));
          await store.getTokens();
          await store.deleteTokens();
          await store.close();
        });
        // They would go off all the same, and by then the store is as closed as now.
        await timers.goOff();
      } finally {
        timers.stop();
      }
    },
  },
  {
    clause: 'C14',
    title:
      'storage that fails rejects with a TokenStoreError without a secret, and takes nothing down',
    why: 'Storage fails at the worst time, and what it says then is read by many.',
    hint: 'Translate every error of the driver.',
    async run(context) {
      const { definition } = context;
      if (definition.damage === undefined) {
        throw new Untested(
          'the definition has no damage(location), so the kit can not make the storage fail',
        );
      }
      const store = await context.open();
      const token = context.token();
      await store.saveToken(token);
      await store.close();
      await definition.damage(await context.mainPlace());
      const damaged = await context.open();
      const calls: readonly (() => Promise<unknown>)[] = [
        () => damaged.findToken(token),
        () => damaged.saveToken(token),
        () => damaged.getTokens(),
      ];
      for (const call of calls) {
        // A rejection is looked at as every one is: for a code, an operation, and secrets.
        await unlessRefused(call());
      }
    },
  },
  {
    clause: 'C15',
    title: 'a save that fails leaves every record as it was',
    why: 'Half a token is worse than none: it looks as if it could be used.',
    hint: 'Decide everything before anything is written, and write in one transaction.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const one = context.token({ userSignature, clientId: context.value('client') });
      const two = context.token({ userSignature, clientId: context.value('client') });
      await store.saveToken(one);
      const id = idOf(await store.saveToken(two));
      const bystander = context.token();
      const other = idOf(await store.saveToken(bystander));
      const before = await recordsIn(store);
      const change = {
        accessToken: context.secret('access'),
        scope: 'changed',
        refreshToken: context.secret('refresh'),
      };
      const failing: [string, Parameters<typeof store.saveToken>][] = [
        ['a save that is ambiguous', [new OAuthToken({ userSignature, ...change })]],
        [
          'a save under the id of another user',
          [new OAuthToken({ ...change, id: other, userSignature, clientId: one.clientId })],
        ],
        ['a save of nothing', [new OAuthToken({ userSignature: { name: context.value('user') } })]],
      ];
      if (context.definition.versions === true) {
        const stale = new OAuthToken({ ...change, id });
        failing.push(['a save over another version', [stale, { ifVersion: 99 }]]);
      }
      for (const [what, args] of failing) {
        await expectRefused(
          store.saveToken(...args),
          ['AMBIGUOUS_TOKEN', 'TOKEN_CONFLICT', 'INVALID_TOKEN', 'VERSION_CONFLICT'],
          what,
        );
        expectSame(await recordsIn(store), before, `the records after ${what}`);
      }
    },
  },
];

/** Everything that can be made to fail without touching the storage, on a store of its own. */
async function provoke(context: CheckContext): Promise<Provoked[]> {
  const store = await context.open();
  const provoked = await provokeOn(context, store);
  await store.close();
  const token = context.token();
  provoked.push(
    {
      what: 'saveToken(a token) after close',
      error: await failureOf(store.call('saveToken', token)),
    },
    {
      what: 'findToken(a token) after close',
      error: await failureOf(store.call('findToken', token)),
    },
    { what: 'getTokens() after close', error: await failureOf(store.call('getTokens')) },
  );
  if (context.definition.iterable === true) {
    const error = await failureOf(store.tokens().next());
    provoked.push({ what: 'tokens() after close', error });
  }
  return provoked;
}

async function provokeOn(context: CheckContext, store: ObservedStore): Promise<Provoked[]> {
  const every = context.everyField();
  const { userSignature } = every;
  const mine = await store.saveToken(new OAuthToken(every));
  const theirs = await store.saveToken(new OAuthToken({ ...context.everyField(), userSignature }));
  const third = await store.saveToken(new OAuthToken(context.everyField()));
  const secret = context.everyField();
  const calls: [string, () => Promise<unknown>][] = [
    [
      'findToken(a user of two clients)',
      () =>
        store.call('findToken', new OAuthToken({ userSignature, accessToken: secret.accessToken })),
    ],
    [
      'saveToken(a user of two clients)',
      () =>
        store.call(
          'saveToken',
          new OAuthToken({
            ...secret,
            userSignature,
            clientId: null,
            issuer: null,
            resource: null,
          }),
        ),
    ],
    [
      'saveToken(the id of another user)',
      () => store.call('saveToken', new OAuthToken({ ...every, id: idOf(third) })),
    ],
    [
      'saveToken(no token in it)',
      () => store.call('saveToken', new OAuthToken({ clientSecret: secret.clientSecret })),
    ],
    ['saveToken(a plain object)', () => store.call('saveToken', secret)],
    ['findToken(a text)', () => store.call('findToken', secret.refreshToken)],
    ['findTokenById(a list)', () => store.call('findTokenById', [secret.refreshToken])],
    ['deleteToken(an object)', () => store.call('deleteToken', { $eq: secret.accessToken })],
  ];
  if (context.definition.versions === true) {
    calls.push([
      'saveToken(another version)',
      () =>
        store.call(
          'saveToken',
          new OAuthToken({ ...secret, id: idOf(theirs), userSignature: null, clientId: null }),
          { ifVersion: 77 },
        ),
    ]);
  }
  const provoked: Provoked[] = [];
  for (const [what, call] of calls) provoked.push({ what, error: await failureOf(call(), what) });
  await store.deleteToken(idOf(mine));
  return provoked;
}

async function failureOf(
  call: Promise<unknown>,
  what = 'a call of a closed store',
): Promise<unknown> {
  let given: unknown;
  try {
    given = await call;
  } catch (error) {
    if (error instanceof PromiseBroken) throw error;
    return error;
  }
  throw new PromiseBroken(`${what} to be refused`, `it gave ${show(given)}`);
}
