import type { Check } from '../check.ts';
import { CLAUSE_IDS } from '../clauses.ts';
import { clearingChecks } from './clearing.ts';
import { closingChecks } from './closing.ts';
import { combinedChecks } from './combined.ts';
import { concurrencyChecks } from './concurrency.ts';
import { conditionChecks } from './conditions.ts';
import { deletingChecks } from './deleting.ts';
import { durableChecks } from './durable.ts';
import { eventLoopChecks } from './event-loop.ts';
import { failingChecks } from './failing.ts';
import { findingChecks } from './finding.ts';
import { hostileChecks } from './hostile.ts';
import { iteratingChecks } from './iterating.ts';
import { manyChecks } from './many.ts';
import { matchingChecks } from './matching.ts';
import { mergingChecks } from './merging.ts';
import { modelChecks } from './model.ts';
import { optionChecks } from './options.ts';
import { savingChecks } from './saving.ts';
import { sharedChecks } from './shared.ts';
import { snapshotChecks } from './snapshots.ts';
import { timeChecks } from './time.ts';
import { tokenChecks } from './token.ts';
import { tokenValueChecks } from './token-value.ts';
import { valueChecks } from './values.ts';
import { versionChecks } from './versions.ts';

/** Every check of the kit, in the order of the contract. */
export const CHECKS: readonly Check[] = [
  ...tokenChecks,
  ...matchingChecks,
  ...findingChecks,
  ...savingChecks,
  ...deletingChecks,
  ...snapshotChecks,
  ...failingChecks,
  ...closingChecks,
  ...concurrencyChecks,
  ...versionChecks,
  ...durableChecks,
  ...sharedChecks,
  ...hostileChecks,
  ...valueChecks,
  ...manyChecks,
  ...conditionChecks,
  ...iteratingChecks,
  ...tokenValueChecks,
  ...mergingChecks,
  ...clearingChecks,
  ...eventLoopChecks,
  ...timeChecks,
  ...combinedChecks,
  ...optionChecks,
  ...modelChecks,
].toSorted((a, b) => CLAUSE_IDS.indexOf(a.clause) - CLAUSE_IDS.indexOf(b.clause));
