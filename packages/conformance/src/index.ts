export {
  CannotRun,
  type CheckOptions,
  checkTokenStore,
  type Progress,
} from './check-token-store.ts';
export { type Capability, CLAUSE_IDS, CLAUSES, type ClauseId, isClauseId } from './clauses.ts';
export { defineTokenStore, type Place, type TokenStoreDefinition } from './definition.ts';
export { type ClauseResult, type Levels, Report } from './report.ts';
export type { CheckResult, Failure } from './run-check.ts';
export type { Intensity, Settings, SettingsOptions } from './settings.ts';
