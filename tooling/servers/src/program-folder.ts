/** What to run: a program, and its first arguments where a loader comes before it. */
export type Program = readonly [string, ...string[]];

/** A place with `bin`, `sbin`, `lib` and `share` in it, that programs are run from. */
export interface ProgramFolder {
  readonly folder: string;
  /** How to run the program at this path. */
  program(path: string): Program;
}
