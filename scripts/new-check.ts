/**
 * `npm run new-check -- <id>`: the file of a new check, listed in the registry. It compiles and does nothing; the tests
 * fail until it has its examples, so that no stub can pass for a check.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'src', 'checks');
const REGISTRY = join(FOLDER, 'registry.ts');
/** Two words at least, so that the name it is imported by is never a word of the language. */
const ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/;
const LIST = /(export const CHECKS: readonly Check\[\] = )\[([^\]]*)\];/;

process.exitCode = await main(process.argv[2]);

async function main(id: string | undefined): Promise<number> {
  if (id === undefined || !ID.test(id) || id.length > 40) {
    console.error(
      `new-check: ${JSON.stringify(id ?? '')} is not an id: two or more lower case words joined by hyphens, at most 40 characters`,
    );
    return 2;
  }
  const registry = await readFile(REGISTRY, 'utf8');
  if (registry.includes(`./${id}.ts'`)) {
    console.error(`new-check: ${id} is in the registry already; ids are final and never reused`);
    return 1;
  }
  const registered = register(registry, id);
  const file = join(FOLDER, `${id}.ts`);
  try {
    await writeFile(file, skeleton(id, await nextCatalogue(registry)), { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    console.error(`new-check: src/checks/${id}.ts exists already`);
    return 1;
  }
  await writeFile(REGISTRY, registered);
  const formatter = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  await runProgram(process.execPath, [formatter, 'check', '--write', REGISTRY], { cwd: ROOT });
  console.log(`src/checks/${id}.ts is written and registered. Next:
  1. write its examples: at least two refused, two allowed; until then the tests fail
  2. write evaluate, why and fix
  3. if it reads a new resource: src/review/entries.ts
  4. npm run generate && npm test`);
  return 0;
}

/**
 * The catalogue's version is the minor version of the package. A check belongs to the one after it, or to the newest in
 * the registry where other new checks already wait for the same release.
 */
async function nextCatalogue(registry: string): Promise<string> {
  const paths = registry
    .split('\n')
    .map(importedPath)
    .filter((path) => path !== '');
  const texts = await Promise.all(paths.map(async (path) => await readFile(join(FOLDER, path), 'utf8')));
  const versions = texts.map((text) => Number(/since: '0\.(\d+)'/.exec(text)?.[1] ?? 0));
  const { version }: { version: string } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  return `0.${Math.max(Number(version.split('.')[1]) + 1, ...versions)}`;
}

/** Adds the import and the name, each at the end of its list; the formatter sorts the imports. */
function register(registry: string, id: string): string {
  const name = id.replaceAll(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  const lines = registry.split('\n');
  const last = lines.findLastIndex((line) => importedPath(line) !== '');
  lines.splice(last + 1, 0, `import ${name} from './${id}.ts';`);
  const text = lines.join('\n');
  const found = LIST.exec(text);
  if (found === null) throw new Error(`${REGISTRY} has no list of the form ${LIST.source}`);
  const [list, head = '', names = ''] = found;
  const all = [...names.split(',').map((entry) => entry.trim()), name].filter((entry) => entry !== '');
  return text.replace(list, () => `${head}[${all.join(', ')}];`);
}

/** The path of a line that imports a rule; empty for any other line. */
function importedPath(line: string): string {
  return /^import \w+ from '(\.\/[a-z0-9-]+\.ts)'/.exec(line)?.[1] ?? '';
}

function skeleton(id: string, since: string): string {
  return `import { Type } from 'typebox';
import { defineCheck } from './define-check.ts';

export default defineCheck({
  id: '${id}',
  since: '${since}',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [],
  needs: [],
  title: '',
  why: '',
  fix: () => '',
  shortFix: () => '',
  evaluate() {
    return [];
  },
  examples: [],
});
`;
}
