import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import process from 'node:process';
import { TokenStoreError } from '@tokenkeep/core';
import type { TokenStoreDefinition } from '../../src/index.ts';
import { type BrokenStore, broken, brokenFile } from './broken-store.ts';
import { FileShelf, pause, type Shelf } from './shelf.ts';

/** Where one handle was closed, and with it all. */
const closedShelves = new WeakSet<Shelf>();

export const closingFaults: readonly BrokenStore[] = [
  broken('C17', 'closes what other handles use, too', {
    methods: (store, shelf) => ({
      getTokens: async () => {
        if (closedShelves.has(shelf)) throw new TokenStoreError('STORE_CLOSED', 'It was closed.');
        return store.getTokens();
      },
      findToken: async (...args: Parameters<typeof store.findToken>) => {
        if (closedShelves.has(shelf)) throw new TokenStoreError('STORE_CLOSED', 'It was closed.');
        return store.findToken(...args);
      },
      close: () => {
        closedShelves.add(shelf);
        return store.close();
      },
    }),
  }),
  broken('C17', 'rejects the second close', {
    methods: (store) => {
      let closed = false;
      return {
        close: async () => {
          if (closed) throw new TokenStoreError('STORE_CLOSED', 'It was closed before.');
          closed = true;
          await store.close();
        },
      };
    },
  }),
  broken('C17', 'takes calls after it was closed', { methods: () => ({ close: async () => {} }) }),
  broken('C17', 'has calls in flight fail when it is closed', {
    methods: (store) => {
      let isClosed = false;
      return {
        saveToken: async (...args: Parameters<typeof store.saveToken>) => {
          const saved = await store.saveToken(...args);
          if (isClosed) throw new TokenStoreError('STORE_CLOSED', 'It was closed meanwhile.');
          return saved;
        },
        close: () => {
          isClosed = true;
          return store.close();
        },
      };
    },
  }),
  broken('C17', 'forgets what it was opened for when it is closed during that', {
    methods: (store) => {
      let isClosed = false;
      let opening: Promise<void> | undefined;
      return {
        saveToken: async (...args: Parameters<typeof store.saveToken>) => {
          opening ??= new Promise((resolve) => setTimeout(resolve, 2));
          await opening;
          if (isClosed) throw new TokenStoreError('STORE_CLOSED', 'It was closed meanwhile.');
          return store.saveToken(...args);
        },
        close: async () => {
          isClosed = opening === undefined || !(await isOver(opening));
          await store.close();
        },
      };
    },
  }),
  broken('C17', 'does not wait at the end of a block', {
    methods: (store) => ({
      [Symbol.asyncDispose]: async () => void store.close(),
    }),
  }),
  broken('C17', 'takes new calls until those in flight have ended', {
    methods: (store) => {
      let closing: Promise<void> | undefined;
      const close = (): Promise<void> => {
        closing ??= pause().then(() => store.close());
        return closing;
      };
      return { close, [Symbol.asyncDispose]: close };
    },
  }),
  broken('C17', 'has closed for whoever closes it a second time, before it has', {
    methods: (store) => {
      let isClosed = false;
      return {
        close: async () => {
          if (isClosed) return;
          isClosed = true;
          await store.close();
        },
      };
    },
  }),
  broken('C17', 'has finds and deletes in flight fail when it is closed', {
    methods: (store) => {
      let isClosed = false;
      const cut = (method: 'findToken' | 'findTokenById' | 'deleteToken' | 'deleteTokens') => ({
        [method]: async (...args: unknown[]) => {
          const wasClosed = isClosed;
          const value: unknown = await Reflect.apply(store[method], store, args);
          if (isClosed && !wasClosed) {
            throw new TokenStoreError('STORE_CLOSED', 'It was closed.', { operation: method });
          }
          return value;
        },
      });
      return {
        ...cut('findToken'),
        ...cut('findTokenById'),
        ...cut('deleteToken'),
        ...cut('deleteTokens'),
        close: () => {
          isClosed = true;
          return store.close();
        },
      };
    },
  }),
  broken('C17', 'finds nothing where it is closed meanwhile', {
    methods: (store) => {
      let isClosed = false;
      return {
        findToken: async (...args: Parameters<typeof store.findToken>) => {
          const wasClosed = isClosed;
          const found = await store.findToken(...args);
          return isClosed && !wasClosed ? null : found;
        },
        close: () => {
          isClosed = true;
          return store.close();
        },
      };
    },
  }),
  broken('C17', 'fails at the end of a block in which it was closed', {
    methods: (store) => {
      let isClosed = false;
      return {
        close: () => {
          isClosed = true;
          return store.close();
        },
        [Symbol.asyncDispose]: async () => {
          if (isClosed) {
            throw new TokenStoreError('STORE_CLOSED', 'It was closed.', { operation: 'close' });
          }
          await store.close();
        },
      };
    },
  }),
  {
    ...broken('C17', 'leaves a listener of the process behind', {
      methods: () => {
        process.on('exit', () => {});
        return {};
      },
    }),
    limit: 6_000,
  },
  {
    ...broken('C17', 'leaves a file open', {
      methods: () => {
        openSync(devNull, 'r');
        return {};
      },
    }),
    limit: 6_000,
  },
  {
    ...brokenFile(
      'C17',
      'keeps the process alive after it was closed',
      {
        shelf: (path) => {
          setInterval(() => {}, 60_000);
          return new FileShelf(path);
        },
      },
      import.meta.url,
    ),
    limit: 5_000,
  },
];

/** Whether a promise is settled by now. */
function isOver(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), Promise.resolve(false)]);
}

/** For other processes, which load this module. */
export const definitions: readonly TokenStoreDefinition[] = closingFaults.map(
  ({ definition }) => definition,
);
