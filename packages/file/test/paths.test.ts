import { checkPaths } from '@tokenkeep/path-checks';

checkPaths({
  module: import.meta.resolve('@tokenkeep/file'),
  className: 'FileTokenStore',
  sharesWithGroup: false,
  loadsLate: [import.meta.resolve('fs-native-extensions')],
});
