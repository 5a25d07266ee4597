import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken } from '@tokenkeep/core';
import { reauthorizationRequired } from '@tokenkeep/keeper';
import type { OAuthProviderOptions, Rotation } from '@tokenkeep/oauth-provider';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Mishap, Result } from './caller.ts';
import { ProcessScene } from './scene.ts';

const ROTATIONS: readonly Rotation[] = ['keeps', 'rotates', 'grace', 'revokes'];

async function begin(
  definition: TokenStoreDefinition,
  options: OAuthProviderOptions & { timeLimit?: number },
): Promise<ProcessScene> {
  const scene = await ProcessScene.begin(definition, options);
  onTestFinished(() => scene[Symbol.asyncDispose]());
  return scene;
}

const all = (count: number): Result[] => Array.from({ length: count }, () => 200);

function print(definition: TokenStoreDefinition, what: string, figures: string): void {
  console.log(`| ${definition.name} | ${what} | ${figures} |`);
}

/** Ten calls in each of four processes, at each kind of provider. */
export function testCalls(definition: TokenStoreDefinition): void {
  test.each(ROTATIONS)(
    `R1 ten calls in each of four processes make one refresh: ${definition.name}, a provider that %s`,
    async (rotation) => {
      const scene = await begin(definition, { rotation });
      const results = await scene.call(await scene.processes());
      print(definition, rotation, scene.figures(results));
      expect(results).toEqual(all(40));
      expect(scene.provider.requests).toHaveLength(1);
      expect(scene.provider.isLive((await scene.record())?.refreshToken)).toBe(true);
    },
  );
}

/** What others do to the record while it is refreshed. */
export function testWriters(definition: TokenStoreDefinition): void {
  const during = async (
    write: (scene: ProcessScene) => Promise<unknown>,
  ): Promise<[ProcessScene, Result[]]> => {
    const scene = await begin(definition, { rotation: 'revokes' });
    scene.provider.holdAnswers(true);
    const called = scene.call(await scene.processes());
    await scene.provider.asked(1);
    await write(scene);
    scene.provider.holdAnswers(false);
    return [scene, await called];
  };

  test(`R3 another save during a refresh: ${definition.name}`, async () => {
    const [scene, results] = await during(({ store, saved }) =>
      store.saveToken(new OAuthToken({ id: saved.id, extra: { note: 'kept' } })),
    );
    print(definition, 'another save', scene.figures(results));
    expect(results).toEqual(all(40));
    expect(scene.provider.requests).toHaveLength(1);
    const record = await scene.record();
    expect(record?.extra?.['note']).toBe('kept');
    expect(scene.provider.isLive(record?.refreshToken)).toBe(true);
  });

  test(`R3 a new login during a refresh: ${definition.name}`, async () => {
    let login = new OAuthToken();
    const [scene, results] = await during(({ store, saved, provider }) => {
      login = OAuthToken.fromTokenResponse(provider.login('ada'), { id: saved.id });
      return store.saveToken(login);
    });
    print(definition, 'a new login', scene.figures(results));
    expect(results).toEqual(all(40));
    expect(scene.provider.requests).toHaveLength(1);
    expect((await scene.record())?.refreshToken).toBe(login.refreshToken);
  });

  test(`R5 a deletion during a refresh: ${definition.name}`, async () => {
    const [scene, results] = await during(({ store, saved }) => store.deleteToken(saved.id ?? ''));
    print(definition, 'a deletion', scene.figures(results));
    expect(new Set(results)).toEqual(new Set(['REAUTHORIZATION_REQUIRED']));
    expect(await scene.store.getTokens()).toEqual([]);
  });
}

/** A process that is killed, or stopped for longer than its lease lasts, with the lease in hand. */
export function testMishaps(definition: TokenStoreDefinition): void {
  const withMishap = async (
    rotation: Rotation,
    mishap: Mishap,
    goOn: 'before the others give up' | 'when the others are done' | 'never',
  ): Promise<[ProcessScene, Result[]]> => {
    const scene = await begin(definition, { rotation, timeLimit: 2_000 });
    const [holder] = await scene.processes(1, mishap);
    const others = await scene.processes(3);
    if (holder === undefined) throw new Error('no process');
    const held = scene.call([holder]);
    await vi.waitUntil(async () => (await scene.record())?.lease !== undefined, 20_000);
    if (mishap.when === 'answered') await scene.provider.asked(1);
    const called = scene.call(others);
    if (goOn === 'when the others are done') await called;
    if (goOn === 'before the others give up') await scene.provider.asked(2);
    if (goOn !== 'never') holder.kill('SIGCONT');
    const results = await called;
    return [scene, goOn === 'never' ? results : [...results, ...(await held)]];
  };

  test.each(ROTATIONS)(
    `R7 the holder is killed before it asks: ${definition.name}, a provider that %s`,
    async (rotation) => {
      const mishap = { signal: 'SIGKILL', when: 'leased' } as const;
      const [scene, results] = await withMishap(rotation, mishap, 'never');
      print(definition, `${rotation}, killed before it asks`, scene.figures(results));
      expect(results).toEqual(all(30));
      expect(scene.provider.requests).toHaveLength(1);
    },
  );

  test.each(ROTATIONS)(
    `the holder is stopped before it asks, and goes on late: ${definition.name}, a provider that %s`,
    async (rotation) => {
      const mishap = { signal: 'SIGSTOP', when: 'leased' } as const;
      const [scene, results] = await withMishap(rotation, mishap, 'when the others are done');
      print(definition, `${rotation}, stopped before it asks`, scene.figures(results));
      expect(results).toEqual(all(40));
      expect(scene.provider.requests).toHaveLength(1);
    },
  );

  test.each(['keeps', 'rotates', 'grace'] as const)(
    `R3 the holder is stopped with the answer, and goes on late: ${definition.name}, a provider that %s`,
    async (rotation) => {
      const mishap = { signal: 'SIGSTOP', when: 'answered' } as const;
      const [scene, results] = await withMishap(rotation, mishap, 'before the others give up');
      print(definition, `${rotation}, stopped with the answer`, scene.figures(results));
      expect(results).toEqual(all(40));
      const record = await scene.record();
      expect(scene.provider.isLive(record?.refreshToken)).toBe(true);
    },
  );

  test(`R3 the holder is stopped while it is asked, and its answer waits for it: ${definition.name}`, async () => {
    const scene = await begin(definition, { rotation: 'rotates', timeLimit: 2_000 });
    const [holder] = await scene.processes(1);
    const others = await scene.processes(3);
    if (holder === undefined) throw new Error('no process');
    scene.provider.holdAnswers(true);
    const held = scene.call([holder]);
    await scene.provider.asked(1);
    holder.kill('SIGSTOP');
    scene.provider.holdAnswers(false);
    const called = scene.call(others);
    await scene.provider.asked(2);
    holder.kill('SIGCONT');
    const results = [...(await called), ...(await held)];
    print(definition, 'rotates, stopped while it asks', scene.figures(results));
    expect(results).toEqual(all(40));
    expect(scene.provider.isLive((await scene.record())?.refreshToken)).toBe(true);
  });

  // What no program can promise: the answer was in the killed process alone.
  test.each([
    ['keeps', 30, 0],
    ['grace', 30, 0],
    ['rotates', 0, 0],
    ['revokes', 0, 1],
  ] as const)(
    `the holder is killed with the answer: ${definition.name}, a provider that %s`,
    async (rotation, good, revoked) => {
      const mishap = { signal: 'SIGKILL', when: 'answered' } as const;
      const [scene, results] = await withMishap(rotation, mishap, 'never');
      print(definition, `${rotation}, killed with the answer`, scene.figures(results));
      expect(results.filter((result) => result === 200)).toHaveLength(good);
      const others = results.filter((result) => result !== 200);
      expect(others).toEqual(others.map(() => 'REAUTHORIZATION_REQUIRED'));
      expect(scene.provider.familiesRevoked).toBe(revoked);
      const record = await scene.record();
      expect(record && reauthorizationRequired(record) !== undefined).toBe(good === 0);
    },
  );
}

/** A provider that is slow, overloaded or down. */
export function testFailures(definition: TokenStoreDefinition): void {
  test(`R2 a slow provider is asked once: ${definition.name}`, async () => {
    const scene = await begin(definition, { rotation: 'revokes', timeLimit: 4_000 });
    scene.provider.holdAnswers(true);
    const called = scene.call(await scene.processes());
    await scene.provider.asked(1);
    const first = (await scene.record())?.lease;
    await vi.waitUntil(async () => (await scene.record())?.lease !== first, 20_000);
    scene.provider.holdAnswers(false);
    const results = await called;
    print(definition, 'slow', scene.figures(results));
    expect(results).toEqual(all(40));
    expect(scene.provider.requests).toHaveLength(1);
  });

  test.each([
    ['down', 503, {}],
    ['overloaded', 429, { 'retry-after': '1' }],
  ] as const)(
    `R6 a provider that is %s loses nothing: ${definition.name}`,
    async (state, status, headers) => {
      const scene = await begin(definition, { rotation: 'revokes' });
      const children = await scene.processes();
      scene.provider.failWith(status, headers);
      const failed = await scene.call(children);
      print(definition, state, scene.figures(failed));
      expect(new Set(failed)).toEqual(new Set(['REFRESH_FAILED']));
      scene.provider.failWith(undefined);
      // A new process is bound by no Retry-After.
      const results = await scene.call(await scene.processes(1));
      expect(results).toEqual(all(10));
      expect(scene.provider.counts.refreshes).toBe(1);
    },
  );
}
