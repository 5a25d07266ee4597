import type { Next } from './process.ts';
import type { Scenario, World } from './world.ts';

/** What is broken at the end of a run, with the clause of the contract that promises better. */
export function problemOf(
  world: World,
  nexts: readonly Next[],
  { writer, rotation }: Scenario,
): string | undefined {
  const { record, provider, processes, failed, wrote, lost } = world;
  const isDeleted = writer === 'deletes the record' && wrote;
  if (isDeleted !== (record === null))
    return isDeleted ? 'R5 what was deleted came back' : 'R4 the record was deleted';
  const outcomes = nexts.flatMap((next, index) =>
    next.step === 'end' && processes[index]?.state === 'ended' ? [next.outcome] : [],
  );
  const hasTokens = outcomes.every(({ kind }) => kind === 'good' || kind === 'refreshed');
  if (!failed) {
    if (Object.values(provider.sends).some((sends) => sends > 1))
      return 'R2 a refresh token was sent twice';
    if (Object.keys(provider.sends).length > 1) return 'R1 there was more than one refresh';
    if (!hasTokens && !isDeleted) return 'R1 a call got no token';
  }
  if (record === null) return undefined;
  if (writer === 'saves another field' && wrote && record.note !== 'kept')
    return 'R3 another field was lost';
  if (writer === 'logs in anew' && wrote && !record.refreshToken.startsWith('login'))
    return 'R3 the new login was replaced by what came before it';
  const isUnlucky = lost || (rotation === 'revokes' && provider.revoked && failed);
  const isLive = provider.live.includes(record.refreshToken);
  if (!isLive && !isUnlucky) return 'R3 the refresh token that works was lost';
  if (isLive && record.dead === record.refreshToken)
    return 'R4 a refresh token that works is marked as dead';
  const hasCrashed = processes.some(({ state }) => state === 'crashed');
  if (record.lease !== undefined && !hasCrashed) return 'R7 a lease was left behind';
  return undefined;
}
