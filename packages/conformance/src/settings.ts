/** How thorough a run is. On a store in memory: under 3 s, under 20 s, under 4 min. */
export type Intensity = 'quick' | 'standard' | 'thorough';

/** Every intensity, from the fastest on. */
export const INTENSITIES: readonly Intensity[] = ['quick', 'standard', 'thorough'];

const FACTORS: Readonly<Record<Intensity, number>> = { quick: 0.1, standard: 1, thorough: 20 };

/** How slow a store is taken to be. */
export interface Pace {
  /** See `TokenStoreDefinition.pace`. */
  readonly factor: number;
  /** Where it comes from, for a report; left out where there is nothing to say. */
  readonly note?: string;
}

/** What every check of a run goes by. */
export interface Settings {
  /** From what every random choice follows. */
  readonly seed: number;
  readonly intensity: Intensity;
  /** How long one check may take: milliseconds. */
  readonly checkLimit: number;
  /** How long one call of the store may take: milliseconds. */
  readonly callLimit: number;
  readonly pace: Pace;
  /** See `SettingsOptions.strict`. */
  readonly strict: boolean;
  /** See `SettingsOptions.command`. */
  readonly command: string | undefined;
}

/** What a run can be told. */
export interface SettingsOptions {
  /**
   * From what every random choice follows: the same seed makes the same choices.
   *
   * @default a new one; every report tells it
   */
  seed?: number;
  /** @default 'standard' */
  intensity?: Intensity;
  /**
   * How long one check may take: milliseconds, before the store's `pace` is counted in.
   *
   * @default 60_000, and five times that for `thorough`
   */
  timeout?: number;
  /**
   * Compare with the reference store also where the contract leaves room, as the stores of
   * tokenkeep do it. A store of your own need not.
   *
   * @default false
   */
  strict?: boolean;
  /**
   * How the run can be begun again from a command line, without clauses and seed: what every failure
   * tells.
   *
   * @default the kit's own command with the module of the definition
   */
  command?: string;
}

/** The settings that come of the options, for a store of this pace. */
export function settingsOf(options: SettingsOptions, pace: Pace): Settings {
  const intensity = options.intensity ?? 'standard';
  const timeout = options.timeout ?? (intensity === 'thorough' ? 300_000 : 60_000);
  return {
    seed: options.seed ?? Math.floor(Math.random() * 0x7fff_ffff),
    intensity,
    checkLimit: timeout * Math.max(1, pace.factor),
    callLimit: Math.min(10_000, timeout / 2) * Math.max(1, pace.factor),
    pace,
    strict: options.strict ?? false,
    command: options.command,
  };
}

/** How many rounds are due where `standard` are, whatever the pace; at least one. */
export function fullRoundsOf(settings: Settings, standard: number): number {
  return Math.max(1, Math.round(standard * FACTORS[settings.intensity]));
}

/**
 * How many rounds are due at the pace of the store. A slow store is tried less often, but never less
 * than `atLeast` times (a tenth of that where the run is to be quick).
 */
export function roundsOf(settings: Settings, standard: number, atLeast = 1): number {
  const full = fullRoundsOf(settings, standard);
  const paced = Math.round(full / Math.max(1, settings.pace.factor));
  return Math.min(full, Math.max(fullRoundsOf(settings, atLeast), paced));
}
