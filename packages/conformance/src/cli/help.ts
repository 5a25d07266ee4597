/** What `--help` shows: enough to begin with. */
export const HELP = `Checks an OAuth token store against the token store contract.

  npx @tokenkeep/conformance ./my-store.ts

The module exports, as its default, one of these:

  a class           export default class MyStore {
                      static versions = false;  // ifVersion is not supported
                      static durable = true;    // what was saved outlives the process
                      static shared = false;    // one process at a time
                      static iterable = false;  // there is no tokens()
                      static pace = 5;          // if it is slow: five times the time, a fifth of the rounds
                      constructor(path) { ... } // a path of its own in a fresh folder
                    }
                    A constructor without parameters: the records are kept in the object.
  a function        the same, called with a path, gives a store or a promise of one
  a definition      import { defineTokenStore } from '@tokenkeep/conformance';
                    export default defineTokenStore({
                      name: 'my store',
                      location: () => 'a fresh, empty place: a path, a database name',
                      open: (location) => new MyStore(location),
                      destroy: (location) => { /* remove it */ },
                      versions: true, durable: true, shared: true, iterable: true,
                      module: import.meta.url,
                    });

A store has findToken, findTokenById, saveToken, deleteToken, getTokens, deleteTokens, close and
[Symbol.asyncDispose]. Tokens are OAuthToken of @tokenkeep/core, and so are the errors.

Options
  --clause A          only this clause or group; again, or with commas, for more: --clause M2,C
  --intensity NAME    quick, standard (default) or thorough
  --seed NUMBER       make the same random choices again
  --bail              stop at the first failure
  --timeout MS        how long one check may take: 60000, 300000 for thorough
  --reporter NAME     pretty (default), json, junit or tap
  --versions, --durable, --shared, --iterable, or --no-versions, ...
                      what the store declares, if its module does not say
  --help              this

Exit code: 0 the store keeps every promise it makes; 1 it breaks one, or does not say what it
promises; 2 it could not be checked: the module does not load, or no place can be opened.

The clauses: https://github.com/tokenkeep/tokenkeep/blob/main/docs/contract.md
`;
