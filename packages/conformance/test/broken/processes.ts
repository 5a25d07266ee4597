import type { OAuthToken } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import type { ClauseId, TokenStoreDefinition } from '../../src/index.ts';
import { type BrokenStore, brokenFile, type Fault } from './broken-store.ts';
import { type PlainTokenStore, RIGHT_RULES } from './plain-token-store.ts';
import { FileShelf, Line, type Shelf } from './shelf.ts';

type Save = Parameters<PlainTokenStore['saveToken']>;

/** What a process keeps for a file, whichever handle it is opened by. */
class ProcessShelf extends FileShelf {
  static readonly #all = new Map<string, ProcessShelf>();
  readonly line: Line;
  readonly ids: Map<string, string>;
  readonly lists: OAuthToken[][];

  constructor(path: string) {
    super(path);
    const first = ProcessShelf.#all.get(path);
    if (first === undefined) ProcessShelf.#all.set(path, this);
    this.line = first?.line ?? new Line();
    this.ids = first?.ids ?? new Map();
    this.lists = first?.lists ?? [];
  }

  static of(shelf: Shelf): ProcessShelf {
    if (shelf instanceof ProcessShelf) return shelf;
    throw new TypeError('another shelf');
  }
}

/** Knows what was deleted as long as the process lives. */
class ForgetfulShelf extends FileShelf {
  static readonly #versions = new Map<string, number>();
  readonly #path: string;

  constructor(path: string) {
    super(path);
    this.#path = path;
  }

  override get removedVersion(): number {
    return ForgetfulShelf.#versions.get(this.#path) ?? 0;
  }

  override set removedVersion(version: number) {
    ForgetfulShelf.#versions.set(this.#path, version);
  }
}

/** Methods of a store that keeps something in its process, and drops it whenever that one writes. */
const remembering = (methods: (store: PlainTokenStore, kept: ProcessShelf) => object): Fault => ({
  shelf: (path) => new ProcessShelf(path),
  methods: (store, shelf) => {
    const kept = ProcessShelf.of(shelf);
    const drop = (): void => {
      kept.ids.clear();
      kept.lists.length = 0;
    };
    const writes =
      <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        try {
          return await method(...args);
        } finally {
          drop();
        }
      };
    return {
      saveToken: writes(store.saveToken.bind(store)),
      deleteToken: writes(store.deleteToken.bind(store)),
      deleteTokens: writes(store.deleteTokens.bind(store)),
      ...methods(store, kept),
    };
  },
});

/** Methods that wait for each other within the process only. */
const inLine = (methods: (store: PlainTokenStore) => Partial<PlainTokenStore>): Fault => ({
  shelf: (path) => new ProcessShelf(path),
  methods: (store, shelf) => {
    const { line } = ProcessShelf.of(shelf);
    const own = methods(store);
    return {
      saveToken: (...args: Save) =>
        line.wait(() => (own.saveToken ?? store.saveToken).apply(store, args)),
      deleteToken: (...args: Parameters<typeof store.deleteToken>) =>
        line.wait(() => (own.deleteToken ?? store.deleteToken).apply(store, args)),
    };
  },
});

const faults: readonly [clause: ClauseId, fault: string, how: Fault][] = [
  [
    'V1',
    'remembers in each process which versions were deleted',
    { shelf: (path) => new ForgetfulShelf(path) },
  ],
  [
    'S1',
    'iterates over the list that the process read last',
    remembering((store, { lists }) => ({
      async *tokens() {
        await store.tokens().next();
        if (lists.length === 0) lists.push(await store.getTokens());
        yield* lists[0] ?? [];
      },
    })),
  ],
  [
    'S1',
    'remembers in each process to which record an access token led',
    remembering((store, { ids }) => ({
      findToken: async (token: OAuthToken) => {
        const { accessToken, ...rest } = token?.toRecord?.() ?? {};
        const isAlone = Object.values(rest).every((value) => value == null);
        if (accessToken == null || !isAlone) return store.findToken(token);
        const known = await store.findTokenById(ids.get(accessToken) ?? 'none');
        const found = known ?? (await store.findToken(token));
        if (found?.id !== undefined) ids.set(accessToken, found.id);
        return found;
      },
    })),
  ],
  [
    'S1',
    'merges extra under a lock of the process',
    {
      ...inLine((store) => ({
        saveToken: async (...[token, options]: Save) => {
          const found = token?.extra === undefined ? null : await store.findToken(token);
          if (found === null) return store.saveToken(token, options);
          const { extra } = RIGHT_RULES.merged(
            { id: '', version: 0, extra: found.extra ?? {} },
            { extra: token.extra },
          );
          await twoMilliseconds();
          return store.saveToken(token.with({ extra }), options);
        },
      })),
      rules: {
        merged: (record, token) => ({
          ...RIGHT_RULES.merged(record, token),
          extra: token.extra ?? record.extra,
        }),
      },
    },
  ],
  [
    'V4',
    'compares the version under a lock of the process, and deletes then',
    inLine((store) => ({
      deleteToken: async (...[id, options]: Parameters<PlainTokenStore['deleteToken']>) => {
        const found = options === undefined ? null : await store.findTokenById(id);
        if (found === null || found.version !== options?.ifVersion) {
          return store.deleteToken(id, options);
        }
        await twoMilliseconds();
        return store.deleteToken(id);
      },
    })),
  ],
  [
    'V5',
    'looks whether there is a record under a lock of the process, and saves then',
    inLine((store) => ({
      saveToken: async (...[token, options]: Save) => {
        if (options?.ifExists !== true || options.ifVersion !== undefined) {
          return store.saveToken(token, options);
        }
        if ((await store.findToken(token)) === null) {
          refuseOtherVersion(null, { ifExists: true });
        }
        await twoMilliseconds();
        return store.saveToken(token);
      },
    })),
  ],
  [
    'S1',
    'puts a new record where the process has counted up to',
    {
      handle: () => {
        let next = 0;
        return {
          placed: (records, old, record) => {
            if (old !== null) return RIGHT_RULES.placed(records, old, record);
            next = next === 0 ? records.length : next;
            const after = records.toSpliced(next, 0, record);
            next += 1;
            return after;
          },
        };
      },
    },
  ],
];

/** Faults of a process that keeps something by itself, which another process makes wrong. */
export const processFaults: readonly BrokenStore[] = faults.map(([clause, fault, how]) =>
  brokenFile(clause, fault, how, import.meta.url),
);

/** For other processes, which load this module. */
export const definitions: readonly TokenStoreDefinition[] = processFaults.map(
  ({ definition }) => definition,
);

function twoMilliseconds(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
