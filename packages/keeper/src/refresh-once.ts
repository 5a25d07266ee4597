/** What the steps look at of a record. */
export interface KeptRecord {
  readonly version?: number | undefined;
  readonly lease?: string | undefined;
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** What the provider answered to a refresh token. */
export type Answer<Tokens> =
  | { readonly kind: 'tokens'; readonly tokens: Tokens }
  /** It does not take this refresh token, and says that it never will (`invalid_grant`). */
  | { readonly kind: 'refused'; readonly error: string }
  /** It may take it later, or may have taken it: nobody knows. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** The lease had run out before the refresh token was sent, and so it was not. */
  | { readonly kind: 'late' }
  /** Not yet: ask again with `answer()`. */
  | { readonly kind: 'pending' };

export type Outcome<Kept> =
  /** Another has refreshed it, or logged in. */
  | { readonly kind: 'good'; readonly record: Kept }
  | { readonly kind: 'refreshed'; readonly record: Kept }
  /** Only a new login helps; with what the provider said, if that was found out just now. */
  | { readonly kind: 'dead'; readonly record: Kept; readonly oauthError?: string }
  /** It was deleted. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly error: Error };

/** What is watched where no lease is: whether another process has rotated a refused refresh token. */
export const REFUSED = 'refused';

/**
 * What {@link refreshOnce} is made of. Those that write do so only over the version that they are
 * given, and give the record as stored, or `null` if it has another version by now.
 */
export interface Steps<Kept extends KeptRecord, Tokens> {
  read(): Promise<Kept | null>;
  isGood(record: Kept): boolean;
  /** Whether its refresh token is known to be dead, or missing. */
  isDead(record: Kept): boolean;
  /** Writes a lease that nobody had before. */
  takeLease(over: Kept): Promise<Kept | null>;
  dropLease(over: Kept): Promise<Kept | null>;
  /** Sends the record's refresh token to the provider, once. */
  send(record: Kept): Promise<Answer<Tokens>>;
  /** The answer to what was sent. */
  answer(): Promise<Answer<Tokens>>;
  /** Stores what was answered, and drops the lease. */
  store(over: Kept, tokens: Tokens): Promise<Kept | null>;
  /** Marks the record's refresh token as dead, and drops the lease. */
  markDead(over: Kept, error: string): Promise<Kept | null>;
  /**
   * Waits a little.
   *
   * @param sign what is being watched; another one than the last time is watched from now on
   * @returns whether it has been watched for longer than a lease lasts, by this process's own clock
   */
  wait(sign: string): Promise<boolean>;
}

/**
 * Refreshes one record, in the one order of steps that loses no token (contract R1 to R5, R7).
 *
 * It is all that the keeper knows of other processes. `test/model` runs {@link attempt} through every
 * order in which the steps of two processes, a third writer, a crash and a lease that was lost can
 * come.
 */
export async function refreshOnce<Kept extends KeptRecord, Tokens extends KeptRecord>(
  steps: Steps<Kept, Tokens>,
): Promise<Outcome<Kept>> {
  for (;;) {
    const outcome = await attempt(steps);
    if (outcome.kind !== 'again') return outcome;
  }
}

/** Somebody was faster: what is there now decides what to do. */
export interface Again {
  readonly kind: 'again';
}

/** Looks at the record, and refreshes it if nobody else does. */
export async function attempt<Kept extends KeptRecord, Tokens extends KeptRecord>(
  steps: Steps<Kept, Tokens>,
): Promise<Outcome<Kept> | Again> {
  const record = await steps.read();
  if (record === null) return { kind: 'gone' };
  if (steps.isGood(record)) return { kind: 'good', record };
  if (steps.isDead(record)) return { kind: 'dead', record };
  // A store without versions can't tell who was first: one process is all that may use it.
  if (record.version === undefined) return await refresh(steps, record);
  if (record.lease !== undefined && !(await steps.wait(record.lease))) return { kind: 'again' };
  // Only over the version that was read, or another process may have spent this refresh token.
  const leased = await steps.takeLease(record);
  if (leased === null) return { kind: 'again' };
  // As it was first saved: no other keeper has ever had its lease.
  return await refresh(steps, leased, record.version === 1);
}

/** @param spent whose refresh token is sent */
async function refresh<Kept extends KeptRecord, Tokens extends KeptRecord>(
  steps: Steps<Kept, Tokens>,
  spent: Kept,
  isFirst = false,
): Promise<Outcome<Kept> | Again> {
  let held = spent;
  let answer = await steps.send(spent);
  while (answer.kind === 'pending') {
    held = await renewLease(steps, held);
    answer = await steps.answer();
  }
  switch (answer.kind) {
    case 'tokens':
      return await storeAnswer(steps, held, answer.tokens);
    case 'refused':
      return await believe(steps, held, answer.error, isFirst);
    case 'late':
      return await beginAgain(steps, held);
    case 'failed':
      await dropLease(steps, held);
      return answer;
  }
}

/** Stores what the provider gave for the refresh token of `held`: it is the only copy. */
export async function storeAnswer<Kept extends KeptRecord, Tokens extends KeptRecord>(
  steps: Steps<Kept, Tokens>,
  held: Kept,
  tokens: Tokens,
): Promise<Outcome<Kept> | Again> {
  const rotates = tokens.refreshToken !== undefined && tokens.refreshToken !== held.refreshToken;
  let over = held;
  for (;;) {
    const record = await steps.store(over, tokens);
    if (record !== null) return { kind: 'refreshed', record };
    // Somebody has saved something.
    const now = await steps.read();
    if (now === null) return { kind: 'gone' };
    // With another refresh token it came after the one that was spent. So did another access token;
    // but where the provider rotates, ours is the only way on.
    const isSucceeded = rotates
      ? now.refreshToken !== held.refreshToken
      : !isSameLogin(now, held) && steps.isGood(now);
    if (isSucceeded) return await beginAgain(steps, held);
    over = now;
  }
}

/**
 * The provider says that the refresh token is dead. Another process may have spent it, and be about
 * to store what it got for it: so only believed when nothing has come for as long as a lease lasts.
 */
async function believe<Kept extends KeptRecord, Tokens>(
  steps: Steps<Kept, Tokens>,
  lastHeld: Kept,
  error: string,
  isFirst: boolean,
): Promise<Outcome<Kept> | Again> {
  // Or others would take it to be lost before the end, and send the same refresh token again.
  const held = await renewLease(steps, lastHeld);
  for (;;) {
    // Where nobody else can have spent it, unless the lease was lost, there is nothing to wait for.
    const isAlone =
      isFirst && held.lease !== undefined && (await steps.read())?.lease === held.lease;
    const isOver = isAlone || (await steps.wait(REFUSED));
    const now = await steps.read();
    if (now === null) return { kind: 'gone' };
    if (now.refreshToken !== held.refreshToken || steps.isGood(now) || steps.isDead(now))
      return await beginAgain(steps, held);
    if (!isOver) continue;
    const record = await steps.markDead(now, error);
    if (record !== null) return { kind: 'dead', record, oauthError: error };
  }
}

async function beginAgain<Kept extends KeptRecord, Tokens>(
  steps: Steps<Kept, Tokens>,
  held: Kept,
): Promise<Again> {
  await dropLease(steps, held);
  return { kind: 'again' };
}

/** @returns what is held now; what was, if the lease is another's by now, or can't be written */
async function renewLease<Kept extends KeptRecord, Tokens>(
  steps: Steps<Kept, Tokens>,
  held: Kept,
): Promise<Kept> {
  const renewed = await whileLeased(steps, held, async (now) =>
    // After another login there is nothing to renew: its version must not pass for that of ours.
    isSameLogin(now, held) ? await steps.takeLease(now) : held,
  );
  return renewed ?? held;
}

async function dropLease<Kept extends KeptRecord, Tokens>(
  steps: Steps<Kept, Tokens>,
  held: Kept,
): Promise<void> {
  await whileLeased(steps, held, (now) => steps.dropLease(now));
}

/** Writes, for as long as the lease is the one of `held`; others may save at the same time. */
async function whileLeased<Kept extends KeptRecord, Tokens>(
  steps: Steps<Kept, Tokens>,
  held: Kept,
  write: (now: Kept) => Promise<Kept | null>,
): Promise<Kept | null> {
  if (held.lease === undefined) return null;
  try {
    for (let now: Kept | null = held; now?.lease === held.lease; now = await steps.read()) {
      const written = await write(now);
      if (written !== null) return written;
    }
  } catch {
    // A store that fails must not take an answer with it that is under way: the lease runs out.
  }
  return null;
}

function isSameLogin(one: KeptRecord, other: KeptRecord): boolean {
  return one.refreshToken === other.refreshToken && one.accessToken === other.accessToken;
}
