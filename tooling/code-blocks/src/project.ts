import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const repository = resolve(import.meta.dirname, '../../..');

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    customConditions: ['@tokenkeep/source'],
  },
};

/** The folder of somebody who has installed every package, and nothing else of ours. */
export class Project implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tokenkeep-blocks-'));

  constructor() {
    this.write('package.json', '{ "type": "module" }');
    this.write('tsconfig.json', JSON.stringify(TSCONFIG));
    // It has no types; what is built from our sources does not need any.
    this.write('untyped.d.ts', `declare module 'fs-native-extensions';`);
    const packages = join(repository, 'packages');
    for (const name of readdirSync(packages)) {
      this.#link(join(packages, name), `@tokenkeep/${name}`);
    }
    for (const name of ['nodejs-sdk-8.0', 'typescript-sdk-8.0']) {
      this.#link(join(packages, 'zoho/node_modules/@zohocrm', name), `@zohocrm/${name}`);
    }
    this.#link(
      join(import.meta.dirname, '../node_modules/@aws-sdk/client-s3'),
      '@aws-sdk/client-s3',
    );
    this.#link(join(repository, 'node_modules/@types/node'), '@types/node');
  }

  write(file: string, text: string): void {
    const path = join(this.folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /**
   * Runs one of the files.
   *
   * @returns what it printed
   * @throws Error with that, if it fails
   */
  async run(file: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { stdout } = await this.#node(['--conditions=@tokenkeep/source', file], env);
    return stdout;
  }

  /** @throws Error with what the compiler has to say, if a file has a wrong type in it */
  async check(): Promise<void> {
    await this.#node([join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.'], {});
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #node(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<{ stdout: string }> {
    try {
      return await promisify(execFile)(process.execPath, args, {
        cwd: this.folder,
        env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
        timeout: 120_000,
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      throw new Error(`node ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}`);
    }
  }

  #link(target: string, name: string): void {
    const path = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(target)) symlinkSync(target, path);
  }
}
