import type { Adapter } from './adapters.ts';

/** What the program of an adapter prints, if all is well. */
export function expectedLine(adapter: Adapter): RegExp {
  return adapter.needsServer ? /^no server: [A-Z_]+$/ : /^found the token of ada@example\.com$/;
}

/** The same small program for each way to import a package, by the name of its file. */
export function programs(adapter: Adapter): Readonly<Record<string, string>> {
  const imports = [
    `import { OAuthToken, TokenStoreError } from '@tokenkeep/core';`,
    `import { ${adapter.store} } from '@tokenkeep/${adapter.name}';`,
  ];
  return {
    'program.mjs': program(imports, adapter),
    'program.cjs': program(
      [
        `const { OAuthToken, TokenStoreError } = require('@tokenkeep/core');`,
        `const { ${adapter.store} } = require('@tokenkeep/${adapter.name}');`,
      ],
      adapter,
    ),
    'program.ts': program(
      [
        ...imports,
        `import type { TokenStore } from '@tokenkeep/core';`,
        `import type { ${adapter.store}Options } from '@tokenkeep/${adapter.name}';`,
      ],
      adapter,
      { store: ': TokenStore', options: `: ${adapter.store}Options` },
    ),
  };
}

function program(
  imports: readonly string[],
  { store, options, needsServer }: Adapter,
  types = { store: '', options: '' },
): string {
  return `${imports.join('\n')}

async function main() {
  const port = Number(process.env['CLOSED_PORT']);
  const options${types.options} = ${options || '{}'};
  const store${types.store} = new ${store}(options);
${needsServer ? refused : savedAndFound}}

main();
`;
}

const savedAndFound = `  const userSignature = { name: 'ada@example.com' };
  await store.saveToken(new OAuthToken({ userSignature, refreshToken: '1000.abc' }));
  const found = await store.findToken(new OAuthToken({ userSignature }));
  await store.close();
  if (found?.refreshToken !== '1000.abc') throw new Error('the token was not found');
  console.log('found the token of ' + found.userSignature?.name);
`;

// Nobody listens on the port: what is to be seen is that the driver loads, tries, and says so.
const refused = `  const userSignature = { name: 'ada@example.com' };
  const error = await store.findToken(new OAuthToken({ userSignature })).catch((error) => error);
  await store.close();
  if (!(error instanceof TokenStoreError)) throw error;
  console.log('no server: ' + error.code);
`;
