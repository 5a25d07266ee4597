import type { KeptRecord, Steps } from './refresh-once.ts';

/** What is needed of {@link Steps}, and two more. */
export interface RevokeSteps<Kept extends KeptRecord>
  extends Pick<Steps<Kept, never>, 'read' | 'wait' | 'takeLease' | 'dropLease'> {
  /** Takes the login back at the provider. */
  revoke(record: Kept): Promise<void>;
  /** Deletes the record, if it still has this version. */
  delete(over: Kept): Promise<boolean>;
}

/**
 * Takes a login back and deletes its record, with the lease of a refresh: or a refresh of another
 * process would bring a refresh token that nobody takes back.
 */
export async function revokeOnce<Kept extends KeptRecord>(steps: RevokeSteps<Kept>): Promise<void> {
  const leased = await takeLease(steps);
  if (leased === null) return;
  try {
    await steps.revoke(leased);
  } catch (error) {
    await steps.dropLease(leased);
    throw error;
  }
  let over: Kept | null = leased;
  // Another login that came meanwhile is not what was taken back: it stays.
  while (over !== null && over.refreshToken === leased.refreshToken) {
    if (await steps.delete(over)) return;
    over = await steps.read();
  }
}

async function takeLease<Kept extends KeptRecord>(steps: RevokeSteps<Kept>): Promise<Kept | null> {
  for (;;) {
    const record = await steps.read();
    if (record === null || record.version === undefined) return record;
    if (record.lease !== undefined && !(await steps.wait(record.lease))) continue;
    const leased = await steps.takeLease(record);
    if (leased !== null) return leased;
  }
}
