import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { OAuthResponseError, OAuthToken } from '@tokenkeep/core';
import { findMatch, keysOf } from '@tokenkeep/core/rules';

const ada = { userSignature: { name: 'ada' } };
const stored = (id, fields) => ({ id, version: 1, ...fields });

/** Tokens, and the rules by which they match. */
export const TOKENS = [
  {
    given: "findMatch: ada's token, and eve's record with the same refresh token",
    run: () =>
      findMatch(new OAuthToken({ ...ada, refreshToken: 'r' }), [
        stored('1', { userName: 'eve', refreshToken: 'r' }),
      ]),
    expected: null,
  },
  {
    given: 'keysOf: an OAuthToken with a user',
    run: () => keysOf(new OAuthToken(ada)),
    expected: [{ field: 'userName', value: 'ada' }],
  },
  {
    given: 'findMatch: what is no plain record',
    run: () => findMatch(new Map([['refreshToken', 'r']]), []),
    expected: /^InvalidTokenError|^INVALID_TOKEN/,
  },
  {
    given: 'findMatch: two records of one user',
    run: () =>
      findMatch({ userName: 'ada' }, [
        stored('1', { userName: 'ada', clientId: 'c1' }),
        stored('2', { userName: 'ada', clientId: 'c2' }),
      ]),
    expected: /^AMBIGUOUS_TOKEN: .*clientId/,
  },
  {
    given: 'a token that went through JSON',
    run: () => new OAuthToken(JSON.parse(JSON.stringify(new OAuthToken({ refreshToken: 'r' })))),
    expected: /^INVALID_TOKEN: .*refreshToken/,
  },
  {
    given: 'expiresAt in seconds',
    run: () => new OAuthToken({ expiresAt: 1_700_000_000 }),
    expected: /^INVALID_TOKEN: .*milliseconds/,
  },
  {
    given: 'expiresIn in milliseconds since the epoch',
    run: () => new OAuthToken({ expiresIn: 1_700_000_000_000 }),
    expected: /^INVALID_TOKEN: .*seconds/,
  },
  {
    given: 'expiresAt: a Date',
    run: () => new OAuthToken({ expiresAt: new Date() }),
    expected: /^INVALID_TOKEN: .*getTime\(\)/,
  },
  {
    given: 'access_token for a field',
    run: () => new OAuthToken({ access_token: 'a' }),
    expected: /^INVALID_TOKEN: .*OAuthToken\.fromTokenResponse/,
  },
  {
    given: "token.accessToken = '...'",
    run: () => {
      new OAuthToken(ada).accessToken = 'a';
    },
    expected: /with\(/,
  },
  {
    given: 'assert.deepStrictEqual: two tokens',
    run: () =>
      assert.deepStrictEqual(
        new OAuthToken({ ...ada, refreshToken: 'SECRET1' }),
        new OAuthToken({ ...ada, refreshToken: 'SECRET2' }),
      ),
    expected: /^ERR_ASSERTION: (?![\s\S]*SECRET)/,
  },
  {
    given: 'inspect with every option: an error_description that repeats a token',
    run: () => {
      const answer = { error: 'invalid_grant', error_description: 'SECRET is spent' };
      try {
        OAuthToken.fromTokenResponse(answer);
      } catch (error) {
        const shown = inspect(error, { showHidden: true, getters: true, customInspect: false });
        return { is: error instanceof OAuthResponseError, shown: shown.includes('SECRET') };
      }
    },
    expected: { is: true, shown: false },
  },
  ...[false, true].map((inWorker) => ({
    given: `extra of depth 2,000${inWorker ? ', in a worker with a large stack' : ''}`,
    run: () => (inWorker ? inLargeStack(deepToken) : deepToken()),
    expected: /^INVALID_TOKEN: .*64/,
  })),
];

function deepToken() {
  let nested = {};
  for (let depth = 0; depth < 2_000; depth += 1) nested = { nested };
  return new OAuthToken({ refreshToken: 'r', extra: nested });
}

/** The error of a function that refers to nothing but `OAuthToken`. */
function inLargeStack(work) {
  const program = `
    import { parentPort } from 'node:worker_threads';
    import { OAuthToken } from ${JSON.stringify(import.meta.resolve('@tokenkeep/core'))};
    try { (${work})(); parentPort.postMessage({ code: 'taken' }); }
    catch ({ code, message }) { parentPort.postMessage({ code, message }); }`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      resourceLimits: { stackSizeMb: 64 },
    });
    worker.once('message', (error) => reject(error));
    worker.once('error', reject);
    worker.once('exit', () => resolve('nothing'));
  });
}
