import { expect, it } from 'vitest';
import { dependentSteps } from '../src/dependent-steps.ts';
import { pendingSteps } from '../src/pending-steps.ts';

const core = { name: 'core', version: '0.1.0' };
const adapter = { name: 'adapter', version: '0.3.2', dependencies: { core: 'workspace:^' } };
const bridge = { name: 'bridge', version: '0.1.0', dependencies: { adapter: 'workspace:^' } };
const apart = { name: 'apart', version: '0.1.0', devDependencies: { core: 'workspace:^' } };
const packages = [bridge, apart, adapter, core];

it('a minor of a package at 0.x moves by a minor all that depends on it, however far', () => {
  const steps = dependentSteps(packages, new Map([['core', 'minor']]));
  expect(Object.fromEntries(steps)).toEqual({ adapter: 'minor', bridge: 'minor' });
});

it('a patch of a package at 0.x moves nothing else', () => {
  expect([...dependentSteps(packages, new Map([['core', 'patch']]))]).toEqual([]);
});

it('a change of a package that nothing depends on moves nothing else', () => {
  expect([...dependentSteps(packages, new Map([['bridge', 'minor']]))]).toEqual([]);
});

it('a dependent that has a patch pending is raised, and one with a minor is left alone', () => {
  const raised = dependentSteps(
    packages,
    new Map([
      ['core', 'minor'],
      ['adapter', 'patch'],
      ['bridge', 'minor'],
    ]),
  );
  expect(Object.fromEntries(raised)).toEqual({ adapter: 'minor' });
});

it('from 1.0 on a minor moves nothing else, and a major moves by a major', () => {
  const released = packages.map((manifest) => ({ ...manifest, version: '1.4.0' }));
  expect([...dependentSteps(released, new Map([['core', 'minor']]))]).toEqual([]);
  expect(Object.fromEntries(dependentSteps(released, new Map([['core', 'major']])))).toEqual({
    adapter: 'major',
    bridge: 'major',
  });
});

it('a peer counts as a dependency', () => {
  const peer = { name: 'peer', version: '0.1.0', peerDependencies: { core: 'workspace:^' } };
  const steps = dependentSteps([core, peer], new Map([['core', 'minor']]));
  expect(Object.fromEntries(steps)).toEqual({ peer: 'minor' });
});

it('of several changesets for a package the greatest step counts, and prose is not read', () => {
  const steps = pendingSteps([
    `---\n"@scope/core": minor\n'adapter': patch\n---\n\nSee "core": major\n`,
    '---\n"@scope/core": patch\nplain: major\n---\n\nText.\n',
  ]);
  expect(Object.fromEntries(steps)).toEqual({
    '@scope/core': 'minor',
    adapter: 'patch',
    plain: 'major',
  });
});
