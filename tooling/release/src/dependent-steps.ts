import type { Manifest } from './manifest.ts';

/** By how much a version moves. */
export type Step = 'major' | 'minor' | 'patch';

const STEPS: readonly Step[] = ['patch', 'minor', 'major'];

/**
 * The steps by which dependents have to move that Changesets would move by a patch.
 *
 * A package whose new range of a dependency shares no version with the old one is not for those who
 * have the old one: an app that has `@tokenkeep/core` ^0.1.0 and gets a patch of an adapter that
 * wants ^0.2.0 has two copies of core, whose types do not fit each other.
 *
 * @param pending the step that the changesets ask for, by package
 * @returns only what has to be added to that
 */
export function dependentSteps(
  packages: readonly Manifest[],
  pending: ReadonlyMap<string, Step>,
): ReadonlyMap<string, Step> {
  const steps = new Map(pending);
  const added = new Map<string, Step>();
  const versions = new Map(packages.map(({ name, version }) => [name, version]));
  const leavesItsRange = (name: string): boolean => {
    const step = steps.get(name);
    return step !== undefined && isAtLeast(step, breakingStep(versions.get(name) ?? ''));
  };
  // What was moved may move what depends on it: until nothing more does.
  for (let before = -1; before !== added.size; ) {
    before = added.size;
    for (const { name, version, dependencies, peerDependencies } of packages) {
      const needed = breakingStep(version);
      const wanted = Object.keys({ ...dependencies, ...peerDependencies });
      const current = steps.get(name);
      if (current !== undefined && isAtLeast(current, needed)) continue;
      if (!wanted.some(leavesItsRange)) continue;
      steps.set(name, needed);
      added.set(name, needed);
    }
  }
  return added;
}

/** The least step out of `^version`. */
function breakingStep(version: string): Step {
  if (version.startsWith('0.0.')) return 'patch';
  return version.startsWith('0.') ? 'minor' : 'major';
}

function isAtLeast(step: Step, least: Step): boolean {
  return STEPS.indexOf(step) >= STEPS.indexOf(least);
}
