import type { Step } from '../dependent-steps.ts';
import type { PublishedPackage } from '../published-packages.ts';
import type { Versions } from './release.ts';

/**
 * Which packages a change of one package moves, and how: itself by the step that was asked for, and
 * by a minor those that depend on it with a range that the new version is out of. At 0.x a minor is
 * out of `^`, and a patch is not. All that depends on core does so directly.
 */
export function expectedMoves(
  packages: readonly PublishedPackage[],
  name: string,
  step: 'minor' | 'patch',
): ReadonlyMap<string, Step> {
  const dependents = packages
    .map(({ manifest }) => manifest)
    .filter(({ dependencies = {}, peerDependencies = {} }) => {
      return name in dependencies || name in peerDependencies;
    });
  const moved = step === 'minor' ? dependents : [];
  return new Map<string, Step>([
    ...moved.map((manifest) => [manifest.name, 'minor'] as const),
    [name, step],
  ]);
}

/** Which packages have another version than before, and by which step. */
export function movesBetween(before: Versions, after: Versions): ReadonlyMap<string, Step> {
  const moves = new Map<string, Step>();
  for (const [name, version] of after) {
    const old = before.get(name)?.split('.') ?? [];
    const index = version.split('.').findIndex((part, i) => part !== old[i]);
    const step = (['major', 'minor', 'patch'] as const)[index];
    if (step !== undefined) moves.set(name, step);
  }
  return moves;
}
