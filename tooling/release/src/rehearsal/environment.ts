import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The environment of someone who uses this registry: nothing of the npm or pnpm that this program
 * runs in, no settings and no passwords of the user, and caches that go with the folder.
 */
export function environmentFor(registry: string, folder: string): NodeJS.ProcessEnv {
  const userConfig = join(folder, 'npmrc');
  const { host } = new URL(registry);
  writeFileSync(
    userConfig,
    [
      `registry=${registry}`,
      `@tokenkeep:registry=${registry}`,
      // It lets everyone publish, but npm does not try without a token.
      `//${host}/:_authToken=rehearsal`,
      'audit=false',
      'fund=false',
      'update-notifier=false',
      '',
    ].join('\n'),
  );
  return {
    ...ownEnvironment(),
    npm_config_registry: registry,
    npm_config_userconfig: userConfig,
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_store_dir: join(folder, 'pnpm-store'),
    pnpm_config_registry: registry,
    pnpm_config_store_dir: join(folder, 'pnpm-store'),
    pnpm_config_cache_dir: join(folder, 'pnpm-cache'),
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_GLOBAL_FOLDER: join(folder, 'yarn'),
  };
}

/** The environment of this process without what npm and pnpm tell the scripts that they run. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|pnpm_|NODE_OPTIONS$|NODE_ENV$|INIT_CWD$|NODE_PATH$)/i.test(name),
  );
  return { ...Object.fromEntries(entries), NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1' };
}
