import { OAuthToken } from '@tokenkeep/core';
import { RefreshFailedError, whoseOf } from '../../src/errors.ts';
import { TIMED_OUT } from '../../src/provider-failure.ts';
import type { Answer } from '../../src/refresh-once.ts';
import type { ModelRecord, ModelTokens, Next } from './process.ts';
import {
  afterSending,
  FIRST_STATE,
  type Issued,
  type ProviderState,
  type Rotation,
} from './provider.ts';

/** What somebody does who knows nothing of the keeper, once, at any moment. */
export type Writer = 'nobody' | 'saves another field' | 'logs in anew' | 'deletes the record';

export const WRITERS: readonly Writer[] = [
  'nobody',
  'saves another field',
  'logs in anew',
  'deletes the record',
];

/** What goes wrong, once, at any moment. */
export type Fault = 'none' | 'crash' | 'lost lease' | 'no answer';

export const FAULTS: readonly Fault[] = ['none', 'crash', 'lost lease', 'no answer'];

export interface Scenario {
  readonly rotation: Rotation;
  readonly writer: Writer;
  readonly fault: Fault;
  /** Whether the first answer of a process takes so long that its lease is renewed meanwhile. */
  readonly slow: boolean;
  /** Of the record: nobody has ever refreshed the first. */
  readonly version: 1 | 2;
}

export interface ProcessState {
  /** Stands for its {@link History}. */
  readonly history: number;
  readonly state: 'runs' | 'crashed' | 'ended';
  /** Others may take its lease for lost from now on, though it goes on. */
  readonly isLate: boolean;
  readonly sawIt: boolean;
  /** The version that it has read last: it waits for another. */
  readonly seen: number;
  /** What takes long: a refresh token that has not arrived yet, or the answer to one. */
  readonly underWay?:
    | { readonly refreshToken: string }
    | { readonly issued: Issued | null }
    | undefined;
  /** Whether it alone has what the provider gave. */
  readonly hasUnsaved: boolean;
  readonly wasSlow: boolean;
}

export interface World {
  readonly record: ModelRecord | null;
  readonly lastVersion: number;
  readonly provider: ProviderState;
  readonly processes: readonly ProcessState[];
  readonly wrote: boolean;
  readonly failed: boolean;
  /** Whether what the provider gave is gone, and no program can bring it back. */
  readonly lost: boolean;
}

const IDLE: ProcessState = {
  history: 0,
  state: 'runs',
  isLate: false,
  sawIt: false,
  seen: 0,
  hasUnsaved: false,
  wasSlow: false,
};

const EMPTY: Omit<World, 'record' | 'lastVersion'> = {
  provider: FIRST_STATE,
  processes: [IDLE, IDLE],
  wrote: false,
  failed: false,
  lost: false,
};

export function firstWorld({ version }: Scenario): World {
  const record = { version, accessToken: 'A0', refreshToken: 'R0' };
  return { ...EMPTY, record, lastVersion: version };
}

/** One thing that can happen next: what it is called, the world after it, and what a process is told. */
export interface Move {
  readonly name: string;
  readonly world: World;
  readonly process?: number;
  readonly answer?: unknown;
}

/** Everything that can happen next. */
export function movesFrom(world: World, nexts: readonly Next[], scenario: Scenario): Move[] {
  const moves = [...writerMoves(world, scenario), ...faultMoves(world, scenario)];
  world.processes.forEach((process, index) => {
    const next = nexts[index];
    if (process.state !== 'runs' || next === undefined) return;
    const move = (name: string, change: Partial<World>, answer: unknown, own = {}): void => {
      const changed = { ...world, ...change };
      const processes = changed.processes.with(index, { ...process, ...own });
      moves.push({
        name: `${'AB'[index]} ${name}`,
        world: { ...changed, processes },
        process: index,
        answer,
      });
    };
    const save = (over: ModelRecord, fields: Partial<ModelRecord>, own = {}): void => {
      const { record } = world;
      const isBlind = Number.isNaN(over.version);
      if (!isBlind && record?.version !== over.version) {
        move(`${next.step}: refused`, {}, null);
        return;
      }
      const version = world.lastVersion + 1;
      const saved = { ...(record ?? over), ...fields, version };
      move(next.step, { record: saved, lastVersion: version }, saved, { seen: version, ...own });
    };
    switch (next.step) {
      case 'read':
        move('reads', {}, world.record, { seen: world.record?.version ?? 0 });
        break;
      case 'takeLease':
        // Nobody had it before: versions do not come again.
        save(next.over, { lease: `${index}:${world.lastVersion}` });
        break;
      case 'dropLease':
        save(next.over, { lease: undefined });
        break;
      case 'markDead':
        save(next.over, { lease: undefined, dead: world.record?.refreshToken });
        break;
      case 'store':
        save(next.over, { lease: undefined, ...(next.tokens as Issued) }, { hasUnsaved: false });
        break;
      case 'delete':
        move('deletes the record', { record: null }, null);
        break;
      case 'send':
      case 'answer':
        sendMoves(world, process, next, scenario, move);
        break;
      case 'wait':
        if ((world.record?.version ?? 0) !== process.seen) move('waits', {}, false);
        if (mayGiveUp(world, nexts, index, next.sign)) move('has waited for long', {}, true);
        break;
      case 'end':
        move(next.outcome.kind, {}, undefined, {
          ...(next.outcome.kind === 'again' ? { history: 0 } : { state: 'ended' }),
        });
        break;
    }
  });
  return moves;
}

function writerMoves(world: World, { writer }: Scenario): Move[] {
  if (world.wrote || writer === 'nobody' || world.record === null) return [];
  const version = world.lastVersion + 1;
  const done = { ...world, wrote: true };
  switch (writer) {
    case 'saves another field': {
      const record = { ...world.record, note: 'kept', version };
      return [{ name: 'another field is saved', world: { ...done, record, lastVersion: version } }];
    }
    case 'logs in anew': {
      const tokens = { accessToken: 'login', refreshToken: 'login' };
      const record = { ...world.record, ...tokens, version };
      const provider = { ...world.provider, live: [...world.provider.live, 'login'] };
      return [{ name: 'a new login', world: { ...done, record, provider, lastVersion: version } }];
    }
    case 'deletes the record':
      return [{ name: 'the record is deleted', world: { ...done, record: null } }];
  }
}

function faultMoves(world: World, { fault }: Scenario): Move[] {
  if (world.failed || (fault !== 'crash' && fault !== 'lost lease')) return [];
  // Always to the first: the two are the same program.
  const [process, ...others] = world.processes;
  if (process?.state !== 'runs') return [];
  const isCrash = fault === 'crash';
  const failed = { ...process, ...(isCrash ? { state: 'crashed' as const } : { isLate: true }) };
  return [
    {
      name: isCrash ? 'A crashes' : 'A is stopped, and goes on later',
      world: {
        ...world,
        failed: true,
        lost: world.lost || (isCrash && process.hasUnsaved),
        processes: [failed, ...others],
      },
    },
  ];
}

const NO_ANSWER = new RefreshFailedError(whoseOf(new OAuthToken()), TIMED_OUT);

type MakeMove = (name: string, change: Partial<World>, answer: unknown, own?: object) => void;

function sendMoves(
  world: World,
  process: ProcessState,
  next: Next,
  { rotation, fault, slow }: Scenario,
  move: MakeMove,
): void {
  const { underWay } = process;
  if (underWay !== undefined && 'issued' in underWay) {
    move('gets the answer', {}, answerOf(underWay.issued), { underWay: undefined });
    return;
  }
  const refreshToken = next.step === 'send' ? next.record.refreshToken : underWay?.refreshToken;
  if (refreshToken === undefined) throw new Error('asked for an answer, but nothing was sent');
  const [provider, issued] = afterSending(rotation, world.provider, refreshToken);
  const hasUnsaved = issued !== null;
  move(`sends ${refreshToken}`, { provider }, answerOf(issued), {
    hasUnsaved,
    underWay: undefined,
  });
  if (next.step === 'answer') return;
  if (slow && !process.wasSlow) {
    const pending: Answer<ModelTokens> = { kind: 'pending' };
    move('sends, which takes long', {}, pending, { wasSlow: true, underWay: { refreshToken } });
    move(`sends ${refreshToken}, and the answer takes long`, { provider }, pending, {
      hasUnsaved,
      wasSlow: true,
      underWay: { issued },
    });
  }
  if (process.isLate && !process.sawIt)
    move('sees that it is late', {}, { kind: 'late' }, { sawIt: true });
  if (fault === 'no answer' && !world.failed) {
    const failed: Answer<ModelTokens> = { kind: 'failed', error: NO_ANSWER };
    move('sends, and nothing arrives', { failed: true }, failed);
    move(
      'sends, and the answer is lost',
      { failed: true, provider, lost: world.lost || hasUnsaved },
      failed,
    );
  }
}

function answerOf(issued: Issued | null): Answer<ModelTokens> {
  return issued === null
    ? { kind: 'refused', error: 'invalid_grant' }
    : { kind: 'tokens', tokens: issued };
}

/** Whether what a process waits for may not have come for longer than a lease lasts. */
function mayGiveUp(world: World, nexts: readonly Next[], waiting: number, sign: string): boolean {
  const lives = (index: number): boolean => {
    const process = world.processes[index];
    return process?.state === 'runs' && !process.isLate;
  };
  const owner = Number(sign.split(':')[0]);
  // One that lives and is not stopped renews its lease, or is done before it runs out.
  if (!Number.isNaN(owner)) return !lives(owner);
  return world.processes.every((process, index) => {
    if (index === waiting || !lives(index)) return true;
    return nexts[index]?.step === 'wait' && process.seen === (world.record?.version ?? 0);
  });
}
