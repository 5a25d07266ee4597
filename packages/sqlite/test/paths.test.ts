import { checkPaths } from '@tokenkeep/path-checks';

checkPaths({
  module: import.meta.resolve('@tokenkeep/sqlite'),
  className: 'SqliteTokenStore',
  sharesWithGroup: true,
  loadsLate: [import.meta.resolve('better-sqlite3')],
});
