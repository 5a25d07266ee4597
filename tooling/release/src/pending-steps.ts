import type { Step } from './dependent-steps.ts';

/** The greatest step that the texts of changesets ask for, by package. */
export function pendingSteps(texts: readonly string[]): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>();
  for (const step of ['patch', 'minor', 'major'] as const) {
    for (const text of texts) {
      const [, head = ''] = /^---\r?\n(.*?)\r?\n---/s.exec(text) ?? [];
      for (const [, name = '', asked] of head.matchAll(/^["']?([^"':]+)["']?:\s*(\w+)\s*$/gm)) {
        if (asked === step) steps.set(name, step);
      }
    }
  }
  return steps;
}
