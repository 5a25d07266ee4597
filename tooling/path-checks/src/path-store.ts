/** A store that keeps a file, for programs that import it by themselves. */
export interface PathStore {
  /** The address of a module, as `import.meta.resolve` gives it. */
  readonly module: string;
  /** The class in it, whose constructor takes `{ path }`. */
  readonly className: string;
  /** Whether users of one group can save to one file. */
  readonly sharesWithGroup: boolean;
  /** Addresses of modules that the store loads late: a program that gives its rights up needs them first. */
  readonly loadsLate: readonly string[];
}

/** One thing that a program does, and what came of it is said in the same place of its answer. */
export type Step =
  /** A new store. */
  | { readonly do: 'open'; readonly path: string }
  | { readonly do: 'close' }
  | { readonly do: 'ready' }
  /** Lists the records: gives the user names. */
  | { readonly do: 'list' }
  /** Saves a token of this user. */
  | { readonly do: 'save'; readonly user: string }
  /** Saves one user after the other, `prefix0`, `prefix1` and so on, and prints each that was acknowledged. */
  | { readonly do: 'save-for-ever'; readonly prefix: string }
  /** A small disk of its own at this folder, seen by nobody else. */
  | { readonly do: 'mount'; readonly folder: string }
  | { readonly do: 'make-read-only'; readonly folder: string }
  /** Mounts a file over another, as a container does with a file that it is given alone. */
  | { readonly do: 'mount-file'; readonly file: string; readonly over: string }
  /** Writes a file until the disk is full. */
  | { readonly do: 'fill'; readonly file: string }
  | { readonly do: 'delete'; readonly file: string };

/** `ok`, the user names that were listed, or the code of a failure. */
export type Outcome = string | readonly string[];

/** What a program is told to do. */
export interface Script {
  readonly store: PathStore;
  /** Whether to go on as a user who is not an administrator. */
  readonly unprivileged: boolean;
  readonly steps: readonly Step[];
}
