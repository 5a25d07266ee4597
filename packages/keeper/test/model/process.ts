import {
  type Again,
  type Answer,
  attempt,
  type Outcome,
  type Steps,
} from '../../src/refresh-once.ts';

/** A record of the model. */
export interface ModelRecord {
  readonly version: number;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly lease?: string | undefined;
  /** The refresh token that is marked as dead. */
  readonly dead?: string | undefined;
  /** Somebody else's field. */
  readonly note?: string | undefined;
}

export interface ModelTokens {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
}

export type ModelSteps = Steps<ModelRecord, ModelTokens>;

/** What a process wants to do next: a step, with what it gave to it; or it has come to its end. */
export type Next =
  | { readonly step: 'read' | 'answer' }
  | { readonly step: 'takeLease' | 'dropLease' | 'markDead'; readonly over: ModelRecord }
  | { readonly step: 'send'; readonly record: ModelRecord }
  | { readonly step: 'store'; readonly over: ModelRecord; readonly tokens: ModelTokens }
  | { readonly step: 'wait'; readonly sign: string }
  /** Only a broken variant does this. */
  | { readonly step: 'delete' }
  | { readonly step: 'end'; readonly outcome: Outcome<ModelRecord> | Again };

/** Changes the steps into those of a variant that is broken on purpose. */
export type Variant = (steps: ModelSteps, remove: () => Promise<null>) => ModelSteps;

/** What was answered to each step of a process so far. */
export type History = readonly unknown[];

/**
 * What a process does after a history: the real function is run anew, and given the same answers.
 * It does nothing but what it was answered tells it to, so it comes to the same place.
 */
export function nextStep(history: History, variant: Variant): Promise<Next> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    const take = <T>(next: Next): Promise<T> => {
      if (answered < history.length) return Promise.resolve(history[answered++] as T);
      resolve(next);
      return new Promise<T>(() => {});
    };
    const steps: ModelSteps = {
      isGood: ({ accessToken }) => accessToken !== 'A0',
      isDead: ({ refreshToken, dead }) => refreshToken === dead,
      read: () => take<ModelRecord | null>({ step: 'read' }),
      takeLease: (over) => take({ step: 'takeLease', over }),
      dropLease: (over) => take({ step: 'dropLease', over }),
      markDead: (over) => take({ step: 'markDead', over }),
      store: (over, tokens) => take({ step: 'store', over, tokens }),
      send: (record) => take<Answer<ModelTokens>>({ step: 'send', record }),
      answer: () => take<Answer<ModelTokens>>({ step: 'answer' }),
      wait: (sign) => take<boolean>({ step: 'wait', sign }),
    };
    const remove = () => take<null>({ step: 'delete' });
    attempt(variant(steps, remove)).then((outcome) => resolve({ step: 'end', outcome }), reject);
  });
}

export const asShipped: Variant = (steps) => steps;

/** The four that other programs are built like, and that lose tokens. */
export const BROKEN_VARIANTS: Readonly<Record<string, Variant>> = {
  /** It waits for the lease, and goes on with the refresh token that it read before. */
  'no re-read': (steps) => ({
    ...steps,
    wait: async (sign) => (await steps.wait(sign)) || true,
    takeLease: async (before) => {
      const now = await steps.read();
      if (now === null || now.lease !== undefined) return null;
      const leased = await steps.takeLease(now);
      return leased && { ...leased, refreshToken: before.refreshToken };
    },
  }),
  /** Somebody saved another field: what the provider gave is thrown away. */
  'whole-row compare-and-set': (steps) => ({
    ...steps,
    store: async (over, tokens) => (await steps.store(over, tokens)) ?? over,
  }),
  /** It stores over whatever is there. */
  'blind save': (steps) => ({
    ...steps,
    store: (over, tokens) => steps.store({ ...over, version: Number.NaN }, tokens),
  }),
  'delete on invalid_grant': (steps, remove) => ({
    ...steps,
    markDead: async (over) => {
      await remove();
      return over;
    },
  }),
};
