export type { Check } from './check.ts';
export type { CheckContext } from './check-context.ts';
export {
  CannotRun,
  type CheckOptions,
  checksFor,
  checkTokenStore,
  type Progress,
} from './check-token-store.ts';
export { CHECKS } from './checks/index.ts';
export { type Capability, CLAUSE_IDS, CLAUSES, type ClauseId, isClauseId } from './clauses.ts';
export { defineTokenStore, type Place, type TokenStoreDefinition } from './definition.ts';
export { type ClauseResult, type Levels, Report } from './report.ts';
export { type CheckResult, type Failure, runCheck } from './run-check.ts';
export type { Intensity, Settings, SettingsOptions } from './settings.ts';
