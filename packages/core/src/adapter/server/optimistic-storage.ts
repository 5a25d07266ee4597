import { randomBytes } from 'node:crypto';
import { TokenStoreError } from '../../errors.ts';
import type { TokenKey } from '../../rules/matching.ts';
import type { SavePlan } from '../../rules/save-plan.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import { repeatWhileStale } from '../repeat.ts';
import { STALE } from '../stale.ts';
import type { Decide, TokenStorage } from '../token-storage.ts';
import { type DigestedKey, digestedKeysOf, digestKey, digestsOf } from './digested-key.ts';
import { type Commit, type Engine, type Entry, MAX_WRITE_IDS, type Snapshot } from './engine.ts';
import { EntryCache } from './entry-cache.ts';
import { KeyQueue } from './key-queue.ts';

/** A plan with a change. */
type WritePlan = SavePlan & { readonly lookUp?: undefined };

/** A commit whose answer was lost. */
interface Unanswered<E extends Entry> {
  readonly plan: WritePlan;
  readonly commit: Commit<E>;
  readonly error: TokenStoreError;
}

/** A save that is going on. */
interface Save<E extends Entry> {
  /** The keys that are read, those that the token asks for first. */
  keys: readonly DigestedKey[];
  readonly decide: Decide;
  readonly unanswered: Unanswered<E>[];
}

/**
 * Saves on a database that can compare and set but not lock ({@link Engine}): reads a snapshot,
 * decides, commits if the snapshot still holds, and starts again if it does not.
 *
 * Where this process wrote the record last, the snapshot is a guess at first, which spares the read;
 * a refusal is never decided on a guess.
 */
export class OptimisticStorage<E extends Entry> implements TokenStorage {
  readonly #engine: Engine<E>;
  readonly #maxContention: number | undefined;
  readonly #cache = new EntryCache<E>();
  readonly #queue = new KeyQueue();

  /** @param maxContention how long a save that loses every race is tried again: milliseconds, default 30,000 */
  constructor(engine: Engine<E>, maxContention?: number) {
    this.#engine = engine;
    this.#maxContention = maxContention;
  }

  async open(): Promise<void> {
    await this.#engine.open();
  }

  async find(tokenKeys: readonly TokenKey[]): Promise<readonly StoredRecord[]> {
    const keys = tokenKeys.map(digestKey);
    if (this.#engine.find !== undefined) return this.#engine.find(keys);
    const guess = this.#cache.guess(keys);
    const { entries } = await this.#engine.read(keys, guess);
    if (guess !== undefined && !entries.includes(guess)) this.#cache.forget(guess.record.id);
    for (const entry of entries) {
      if (entry !== guess) this.#cache.keep(entry, digestedKeysOf(entry.record, keys));
    }
    return entries.map(({ record }) => record);
  }

  save(tokenKeys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    const keys = tokenKeys.map(digestKey);
    // One save at a time for a key in this process, so that only other processes are raced against.
    return this.#queue.run(digestsOf(keys), async () => {
      const save: Save<E> = { keys, decide, unanswered: [] };
      const guess = this.#cache.guess(keys);
      const plan = guess === undefined ? STALE : await this.#saveOnGuess(save, guess);
      return plan === STALE
        ? repeatWhileStale(() => this.#attempt(save), this.#maxContention)
        : plan;
    });
  }

  async delete(id: string, ifVersion: number | undefined): Promise<void> {
    const key = digestKey({ field: 'id', value: id });
    await repeatWhileStale(async () => this.#engine.delete(key, ifVersion), this.#maxContention);
    this.#cache.forget(id);
  }

  pages(): AsyncIterable<readonly StoredRecord[]> {
    return this.#engine.pages();
  }

  async clear(): Promise<void> {
    await this.#engine.clear();
    this.#cache.clear();
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#engine.translateError(error);
  }

  /** @returns {@link STALE} where it has to be decided on what is read */
  async #saveOnGuess(save: Save<E>, guess: E): Promise<SavePlan | typeof STALE> {
    const snapshot = { entries: [guess] };
    let plan: SavePlan;
    try {
      plan = save.decide([guess.record]);
    } catch {
      return STALE;
    }
    if (plan.change === undefined || plan.change.replaces === null) return STALE;
    const commit = commitOf(plan.change, snapshot, save.keys);
    if (keysToRead(commit).length > 0) return STALE;
    const saved = await this.#commit(save, plan, commit);
    if (saved === STALE && save.unanswered.length === 0) this.#cache.stopCaching(guess.record.id);
    return saved;
  }

  async #attempt(save: Save<E>): Promise<SavePlan | typeof STALE> {
    for (;;) {
      const snapshot: Snapshot<E> =
        save.keys.length === 0 ? { entries: [] } : await this.#engine.read(save.keys);
      // After the read: what happens later than this makes the commit stale.
      const done = await this.#doneUnanswered(save);
      if (done !== undefined) return done;
      const plan = save.decide(
        snapshot.entries.map(({ record }) => record),
        snapshot.deletedVersion,
      );
      if (plan.change === undefined) return plan;
      const commit = commitOf(plan.change, snapshot, save.keys);
      const more = keysToRead(commit);
      if (more.length === 0) {
        // Whether a connection is sound is found out by a read: a broken write can't be repeated.
        if (save.keys.length === 0) await this.#engine.read(commit.keys);
        return this.#commit(save, plan, commit);
      }
      save.keys = [...save.keys, ...more];
    }
  }

  async #commit(
    save: Save<E>,
    plan: WritePlan,
    commit: Commit<E>,
  ): Promise<SavePlan | typeof STALE> {
    let entry: E | typeof STALE;
    try {
      entry = await this.#engine.commit(commit);
    } catch (error) {
      const failure = error instanceof TokenStoreError ? error : this.#engine.translateError(error);
      this.#cache.forget(commit.record.id);
      if (failure?.code !== 'CONNECTION_FAILED') throw error;
      save.unanswered.push({ plan, commit, error: failure });
      return STALE;
    }
    if (entry === STALE) return STALE;
    for (const { record } of commit.absorbs) this.#cache.forget(record.id);
    this.#cache.keep(entry, commit.keys);
    return plan;
  }

  /**
   * The plan of a commit that has happened although its answer was lost.
   *
   * @throws TokenStoreError the error of a commit of which can not be told whether it has happened:
   *   to save again could be to write over what others saved since
   */
  async #doneUnanswered({ unanswered }: Save<E>): Promise<WritePlan | undefined> {
    for (const { plan, commit, error } of unanswered) {
      const { id } = commit.record;
      const entry = await this.#readById(id, error);
      if (entry?.writeIds.includes(commit.writeId)) return plan;
      if (entry === undefined || !isNotDone(commit, entry)) throw error;
    }
    return undefined;
  }

  async #readById(id: string, otherwise: TokenStoreError): Promise<E | undefined> {
    try {
      const { entries } = await this.#engine.read([digestKey({ field: 'id', value: id })]);
      return entries.find(({ record }) => record.id === id);
    } catch {
      throw otherwise;
    }
  }
}

function commitOf<E extends Entry>(
  { record, replaces, absorbs }: NonNullable<SavePlan['change']>,
  { entries, deletedVersion = 0 }: Snapshot<E>,
  askedKeys: readonly DigestedKey[],
): Commit<E> {
  const entryOf = (read: StoredRecord): E => {
    const entry = entries.find((each) => each.record === read);
    if (entry === undefined) throw new Error('the change is about a record that was not read');
    return entry;
  };
  const keys = digestedKeysOf(record, askedKeys);
  const before = replaces === null ? [] : digestedKeysOf(replaces, [...askedKeys, ...keys]);
  const after = digestsOf(keys);
  const removed = [...before, ...absorbs.flatMap((absorbed) => digestedKeysOf(absorbed))];
  const held = digestsOf(before);
  const isRead = (key: DigestedKey) =>
    entries.some(({ record: read }) => read[key.field] === key.value);
  const gone = new Set([replaces, ...absorbs]);
  return {
    writeId: randomBytes(16).toString('base64url'),
    record,
    replaces: replaces && entryOf(replaces),
    absorbs: absorbs.map(entryOf),
    others: entries.filter((entry) => !gone.has(entry.record)),
    keys,
    askedKeys,
    addedKeys: keys.filter(({ digest }) => !held.includes(digest)),
    removedKeys: removed.filter(({ digest }) => !after.includes(digest)),
    absentKeys: askedKeys.filter((key) => !after.includes(key.digest) && !isRead(key)),
    deletedVersion:
      replaces === null && askedKeys.some(({ field }) => field === 'id')
        ? deletedVersion
        : undefined,
  };
}

/**
 * Keys that a record gets, and of which it has to be known who else has them. An id that was not
 * asked for is new, and a key that an absorbed record does not share leads to that one only.
 */
function keysToRead<E extends Entry>({ addedKeys, absorbs, askedKeys }: Commit<E>): DigestedKey[] {
  const known = digestsOf(askedKeys);
  const isAbsorbed = ({ field, value, digest }: DigestedKey) =>
    absorbs.some(
      ({ record, sharedKeys }) => record[field] === value && !sharedKeys.includes(digest),
    );
  return addedKeys.filter(
    (key) => key.field !== 'id' && !known.includes(key.digest) && !isAbsorbed(key),
  );
}

/** Whether the write ids of a record show that a commit is not among its writes. */
function isNotDone<E extends Entry>({ replaces }: Commit<E>, { writeIds }: Entry): boolean {
  const predecessor = replaces?.writeIds[0];
  // All writes since the one that it was decided on are there; or all that there ever were.
  return predecessor === undefined
    ? writeIds.length < MAX_WRITE_IDS
    : writeIds.includes(predecessor);
}
