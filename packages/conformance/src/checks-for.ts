import type { Check } from './check.ts';
import { CHECKS } from './checks/index.ts';
import { type ClauseId, capabilityOf } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';

/**
 * The checks that a store has to pass, by what its definition declares.
 *
 * @param clauses only these clauses, or groups by their letter
 */
export function checksFor(
  definition: TokenStoreDefinition,
  clauses?: readonly string[],
): readonly Check[] {
  return CHECKS.filter(({ clause, finds = [] }) => {
    const capability = capabilityOf(clause);
    if (capability !== undefined && definition[capability] !== true) return false;
    return (
      clauses === undefined ||
      clauses.some((wanted) => [clause, ...finds].some((one) => isOf(one, wanted)))
    );
  });
}

function isOf(clause: ClauseId, wanted: string): boolean {
  return clause === wanted || clause.replace(/\d+$/, '') === wanted;
}
