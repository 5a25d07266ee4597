import { isDeepStrictEqual } from 'node:util';
import type { SaveOptions, StoredRecord, TokenRecord } from '@tokenkeep/core';
import { agrees, findMatch, keysOf, matchesOn } from '@tokenkeep/core/rules';
import { ListTokenStore } from '@tokenkeep/list';
import { type Call, type Outcome, perform } from './calls.ts';
import type { ClauseId } from './clauses.ts';
import { hintFor, isPlainRecord, type PlainRecord } from './expectations.ts';
import { PromiseBroken } from './promise-broken.ts';
import { clauseOfList, clauseOfOutcome } from './reference-clause.ts';
import { show } from './show.ts';

/** The clause by which a record goes. */
const REMOVALS: Readonly<Record<Call['method'], ClauseId>> = {
  saveToken: 'C5',
  deleteToken: 'C9',
  deleteTokens: 'C11',
  // These remove nothing, and the reference store keeps to that.
  findToken: 'C1',
  findTokenById: 'C2',
  getTokens: 'C10',
  tokens: 'I1',
};

/**
 * What a store should hold after the calls that were made: a list store, with the ids and versions
 * that the store under test gave.
 */
export class ReferenceModel {
  readonly #records: StoredRecord[] = [];
  readonly #store: ListTokenStore = new ListTokenStore({ records: this.#records });
  readonly #hasVersions: boolean;
  /** By id, the highest version that a record with it had. */
  readonly #usedIds = new Map<string, number>();
  /** By the id of a record that is gone, the clause by which it went. */
  readonly #gone = new Map<string, ClauseId>();

  constructor(hasVersions: boolean) {
    this.#hasVersions = hasVersions;
  }

  /** Every id that was given so far, whether its record is still there or not. */
  get usedIds(): readonly string[] {
    return [...this.#usedIds.keys()];
  }

  /** The version of the record that a token means; 0 where there is none, or more than one. */
  versionFor(token: TokenRecord): number {
    return this.#matchFor(token)?.version ?? 0;
  }

  /**
   * Whether the contract leaves open what a save does: where it would absorb what belongs to another
   * user or client, or has more in it than the record that is kept, or where it renames a record.
   */
  leavesRoom(call: Call): boolean {
    if (call.method !== 'saveToken') return false;
    const { token, options } = call;
    const { id, userName } = token;
    const { match, merged, others, absorbed } = this.#absorbedBy(token);
    return (
      (id != null && userName != null && others.some((other) => other.userName === userName)) ||
      (match !== null && (!agrees(match, token) || clearsOwner(options))) ||
      absorbed.some((other) => !agrees(merged, other) || hasMore(other, merged))
    );
  }

  /**
   * Whether a save absorbs two records or more that each have what the kept one lacks: whose fields
   * are taken first depends on the order in which the storage gives them, for our own stores too.
   */
  leavesOrderOpen(call: Call): boolean {
    if (call.method !== 'saveToken') return false;
    const { merged, absorbed } = this.#absorbedBy(call.token);
    return absorbed.filter((other) => hasMore(other, merged)).length > 1;
  }

  /**
   * Makes a call on the model, and compares how it ended on the store under test.
   *
   * @throws PromiseBroken
   */
  async follow(call: Call, actual: Outcome): Promise<void> {
    const before = new Map(this.#records.map((record) => [record.id, record]));
    const expected = await perform(this.#store, call);
    for (const id of before.keys()) {
      if (this.#records.every((record) => record.id !== id))
        this.#gone.set(id, REMOVALS[call.method]);
    }
    const written = this.#records.find(
      (record) => !before.has(record.id) || before.get(record.id) !== record,
    );
    const isSaved = call.method === 'saveToken' && written !== undefined && isRecord(actual.value);
    if (isSaved) this.#adopt(written, before, actual.value);
    const wanted = isSaved ? this.#plain(written) : this.#comparable(expected);
    const got = this.#comparable(actual);
    if (isDeepStrictEqual(got, wanted)) return;
    throw new PromiseBroken(
      expected.refused === undefined
        ? `${call.method} to give ${show(wanted)}`
        : `${call.method} to be refused with the code ${expected.refused}`,
      gave(actual, got),
      {
        clause: this.#clauseOfGhost(wanted, got) ?? clauseOfOutcome(call, wanted, got),
        cause: actual.cause,
        hint: hintFor(got, wanted),
      },
    );
  }

  /**
   * Compares the whole list after a call.
   *
   * @param isThere whether an id still finds its record, though the list may lack it
   * @throws PromiseBroken
   */
  async compareAll(
    listed: Outcome,
    call: Call,
    isThere: (id: string) => Promise<boolean>,
  ): Promise<void> {
    const wanted = this.#records.map((record) => this.#plain(record));
    const got = this.#comparable(listed);
    if (isDeepStrictEqual(got, wanted)) return;
    const list = call.method === 'tokens' ? 'tokens' : 'getTokens';
    const ids = new Set(Array.isArray(got) ? got.map(({ id }: PlainRecord) => id) : []);
    const lacking = this.#records.find(({ id }) => Array.isArray(got) && !ids.has(id));
    const isHidden = lacking !== undefined && (await isThere(lacking.id));
    throw new PromiseBroken(`${list} to give ${show(wanted)} after that`, gave(listed, got), {
      clause: clauseOfList(isHidden ? { method: list } : call, wanted, got),
      cause: listed.cause,
      hint: hintFor(got, wanted),
    });
  }

  #absorbedBy(token: TokenRecord): {
    readonly match: StoredRecord | null;
    readonly merged: TokenRecord;
    readonly others: readonly StoredRecord[];
    readonly absorbed: readonly StoredRecord[];
  } {
    const match = this.#matchFor(token);
    const others = this.#records.filter((record) => record !== match);
    const absorbed = others.filter((other) =>
      keysOf(token).some((key) => matchesOn(key, token, other)),
    );
    return { match, merged: { ...match, ...token }, others, absorbed };
  }

  #matchFor(token: TokenRecord): StoredRecord | null {
    try {
      return findMatch(token, this.#records);
    } catch {
      // More than one: it is refused anyway.
      return null;
    }
  }

  /** The clause by which a record went that is found all the same, where nothing is to be found. */
  #clauseOfGhost(wanted: unknown, got: unknown): ClauseId | undefined {
    if (wanted !== null || !isPlainRecord(got)) return undefined;
    const id = String(got['id']);
    return this.#records.some((record) => record.id === id) ? undefined : this.#gone.get(id);
  }

  /** The id of a new record, and each version, are the store's own affair, but for C8 and V1. */
  #adopt(
    written: StoredRecord,
    before: ReadonlyMap<string, StoredRecord>,
    given: PlainRecord,
  ): void {
    const { id, version } = given;
    const old = before.get(written.id);
    if (old === undefined && typeof id === 'string') {
      if (id !== written.id && this.#usedIds.has(id)) this.#refuseId(id, written, before, given);
      written.id = id;
    }
    if (old !== undefined && id !== old.id) {
      // Under another id the same record was renamed, and any other is not the one that matches.
      const isRenamed = isDeepStrictEqual(
        this.#plain({ ...given, id: '', version: 0 }),
        this.#plain({ ...written, id: '', version: 0 }),
      );
      const clause = isRenamed && !(Number(version) <= old.version) ? 'C3' : 'M1';
      throw new PromiseBroken(
        `saveToken to update the record with the id ${show(old.id)}, which matches`,
        `it gave ${show(given)}`,
        { clause },
      );
    }
    const last = Math.max(old?.version ?? 0, this.#usedIds.get(written.id) ?? 0);
    if (!this.#hasVersions) {
      this.#usedIds.set(written.id, 0);
      return;
    }
    if (!Number.isSafeInteger(version) || Number(version) <= last) {
      throw new PromiseBroken(`a version above ${last}`, `it was ${show(version)}`, {
        clause: 'V1',
      });
    }
    written.version = Number(version);
    this.#usedIds.set(written.id, written.version);
  }

  /** An id that was given before: of a new record, or of one that the save does not match. */
  #refuseId(
    id: string,
    written: StoredRecord,
    before: ReadonlyMap<string, StoredRecord>,
    given: PlainRecord,
  ): never {
    const other = before.get(id);
    const isOld = hasMore(given, written) || given['version'] === (other?.version ?? 0) + 1;
    if (other === undefined || !isOld) {
      const clause = isOld ? (this.#gone.get(id) ?? 'C8') : 'C8';
      const actual = `it was ${show(id)}, which was given before`;
      throw new PromiseBroken('a new id for a new record', actual, { clause });
    }
    throw new PromiseBroken(
      'saveToken to add a record, as none matches',
      `it was saved into that with the id ${show(id)}`,
      { clause: agrees(written, other) ? 'M1' : 'M2' },
    );
  }

  #comparable({ refused, value }: Outcome): unknown {
    if (refused !== undefined) return { refused };
    if (isRecord(value)) return this.#plain(value);
    return Array.isArray(value) ? value.map((record) => this.#plain(record)) : value;
  }

  #plain(record: object): PlainRecord {
    return Object.fromEntries(
      Object.entries(record).filter(
        ([name, value]) => value != null && (this.#hasVersions || name !== 'version'),
      ),
    );
  }
}

function gave({ refused, text }: Outcome, value: unknown): string {
  return refused === undefined ? `it gave ${show(value)}` : `it failed with ${text}`;
}

function isRecord(value: Outcome['value']): value is PlainRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a save makes a record one that names no user or client any more, or another issuer. */
function clearsOwner(options: SaveOptions | undefined): boolean {
  return (options?.clear ?? []).some((field) =>
    ['userSignature', 'clientId', 'issuer', 'resource'].includes(field),
  );
}

function hasMore(other: object, merged: TokenRecord): boolean {
  const names: ReadonlySet<string> = new Set(
    Object.entries(merged).flatMap(([name, value]) => (value == null ? [] : [name])),
  );
  return Object.entries(other).some(([name, value]) => value != null && !names.has(name));
}
