import { checkPaths } from '@tokenkeep/path-checks';

checkPaths({
  module: import.meta.resolve('@tokenkeep/file'),
  className: 'FileTokenStore',
  loadsLate: [import.meta.resolve('fs-native-extensions')],
});
