/**
 * Mutation testing: changes the code in one place at a time, and says which changes no unit test notices.
 *
 *     npm run mutation                            each folder, one after the other
 *     npm run mutation -- policy checks           some folders
 *     npm run mutation -- src/policy/scope.ts     one file, or a glob in one of these folders
 *     npm run mutation -- --called checks         without what is evaluated when a module is loaded, tables above all: a
 *                                                 mutant of these is shown to every test
 *
 * Stryker is no dependency of the repository: it is locked in tools/mutation, and installed when it is first used. The last
 * report of each folder is in node_modules/.cache/mutation. docs/decisions/0037 says what is counted.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TOOL = join(ROOT, 'tools', 'mutation');
const STRYKER = join(TOOL, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');

const OF_ALL_RULES = ['test/unit/examples.test.ts', 'test/unit/rule-{tables,needs}.test.ts'];

/** Folders of src/, and the unit tests that are asked about each: others see its code too, but only by the way. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  policy: ['test/unit/policy/*.test.ts', 'test/unit/engine/{modes,exempted,notes,roles}.test.ts'],
  checks: [
    ...OF_ALL_RULES,
    ...['test/unit/checks/*.test.ts', 'test/unit/objects/rbac/*.test.ts'],
    'test/unit/engine/{interplay,message,modes,notes,roles,updates}.test.ts',
  ],
  mutations: [...OF_ALL_RULES, 'test/unit/mutations/*.test.ts', 'test/unit/engine/{interplay,mutate}.test.ts'],
  review: ['test/unit/review/*.test.ts'],
};

const CALLED = '--called';
const isCalledOnly = process.argv.includes(CALLED);
const chosen = process.argv.slice(2).filter((argument) => argument !== CALLED);
for (const target of chosen.length > 0 ? chosen : Object.keys(FOLDERS)) {
  const folder = /^src\/([^/]+)\//.exec(target)?.[1] ?? target;
  const tests = FOLDERS[folder];
  if (tests === undefined) {
    console.error(`${target} is in none of the folders that are mutated: ${Object.keys(FOLDERS).join(', ')}`);
    process.exit(2);
  }
  if (!existsSync(STRYKER)) await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: TOOL, env: process.env });
  const isWhole = target === folder;
  const env = {
    ...process.env,
    CURFEW_MUTATION_NAME: folder,
    CURFEW_MUTATION_TESTS: tests.join(' '),
    CURFEW_MUTATION_CALLED: String(isCalledOnly),
    CURFEW_MUTATION_BREAK: isWhole ? '85' : '0',
  };
  // What the forms in CEL say is only seen by a real API server: e2e/native-parity.test.ts.
  const mutate = isWhole ? `src/${folder}/**/*.ts,!src/${folder}/cel/**` : target;
  await run(process.execPath, [STRYKER, 'run', join(TOOL, 'stryker.config.mjs'), '--mutate', mutate], {
    cwd: ROOT,
    env,
  });
}

type Place = { readonly cwd: string; readonly env: NodeJS.ProcessEnv };

/** Runs a program with this terminal, and ends this one with its exit code if it fails. */
async function run(program: string, args: readonly string[], { cwd, env }: Place): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(program, args, { cwd, env, stdio: 'inherit' });
  child.on('error', reject);
  child.on('exit', (code) => resolve(code ?? 1));
  const code = await promise;
  if (code !== 0) process.exit(code);
}
