/**
 * `npm run new-check -- <id>`: the file of a new check, listed in the registry. It compiles and does nothing; the tests
 * fail until it has its examples, so that no stub can pass for a check.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** The registry is found below another root in tests. */
const ROOT = resolve(process.env['CURFEW_ROOT'] ?? join(import.meta.dirname, '..'));
const FOLDER = join(ROOT, 'src', 'checks');
const REGISTRY = join(FOLDER, 'registry.ts');

process.exitCode = await main(process.argv[2]);

async function main(id: string | undefined): Promise<number> {
  if (id === undefined || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id) || id.length > 40) {
    console.error(
      `new-check: ${JSON.stringify(id ?? '')} is not an id: lower case words joined by hyphens, at most 40 characters`,
    );
    return 2;
  }
  const registry = await readFile(REGISTRY, 'utf8');
  if (registry.includes(`./${id}.ts'`)) {
    console.error(`new-check: ${id} is in the registry already; ids are final and never reused`);
    return 1;
  }
  const file = join(FOLDER, `${id}.ts`);
  try {
    await writeFile(file, skeleton(id, await nextCatalogue(registry)), { flag: 'wx' });
  } catch {
    console.error(`new-check: ${file} exists already, or cannot be written`);
    return 1;
  }
  await writeFile(REGISTRY, register(registry, id));
  console.log(`src/checks/${id}.ts is written and registered. Next:
  1. write its examples: at least two refused, two allowed; until then the tests fail
  2. write evaluate, why and fix
  3. if it reads a new resource: src/review/entries.ts
  4. npm run generate && npm test`);
  return 0;
}

/** One more than the newest version in the catalogue. */
async function nextCatalogue(registry: string): Promise<string> {
  const paths = registry
    .split('\n')
    .map(importedPath)
    .filter((path) => path !== '');
  const texts = await Promise.all(paths.map(async (path) => await readFile(join(FOLDER, path), 'utf8')));
  const versions = texts.map((text) => Number(/since: '0\.(\d+)'/.exec(text)?.[1] ?? 0));
  return `0.${Math.max(0, ...versions) + 1}`;
}

/** Adds the import in its alphabetical place and the name at the end of the list. */
function register(registry: string, id: string): string {
  const name = id.replaceAll(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  const lines = registry.split('\n');
  const next = lines.findIndex((line) => importedPath(line) > `./${id}.ts`);
  const last = lines.findLastIndex((line) => importedPath(line) !== '');
  lines.splice(next === -1 ? last + 1 : next, 0, `import ${name} from './${id}.ts';`);
  return lines
    .join('\n')
    .replace(/(CHECKS: readonly Check\[\] = \[)([^\]]*)\]/, (_match, head: string, list: string) => {
      const names = list.split(',').map((entry) => entry.trim());
      return `${head}${[...names.filter((entry) => entry !== ''), name].join(', ')}]`;
    });
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
