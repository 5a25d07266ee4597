import { checkPaths } from '@tokenkeep/path-checks';

checkPaths({
  module: import.meta.resolve('@tokenkeep/sqlite'),
  className: 'SqliteTokenStore',
  loadsLate: [import.meta.resolve('better-sqlite3')],
});
