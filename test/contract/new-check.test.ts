import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const COPIED = [
  'src',
  'scripts/new-check.ts',
  'scripts/run-program.ts',
  'test/unit',
  'package.json',
  'tsconfig.json',
  'biome.json',
];
const REGISTRY = 'src/checks/registry.ts';
/** The placeholder of a rule that nobody wrote yet. */
const ID = 'example-of-a-check';

let copy = '';
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'curfew-new-check-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  write('vitest.config.ts', 'export default {};\n');
  // The tests that came along import what did not.
  write('tsconfig.src.json', '{ "extends": "./tsconfig.json", "include": ["src"] }');
});
afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

it('writes a check that compiles, is formatted and registered, and is no check until it has its examples', async () => {
  const { status, stdout, stderr } = newCheck(ID);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('1. write its examples: at least two refused, two allowed; until then the tests fail');
  expect(stdout).toContain('npm run generate');
  expect(read(REGISTRY)).toContain(`import exampleOfACheck from './${ID}.ts';`);
  expect(runTool('typescript/bin/tsc', ['-p', 'tsconfig.src.json']).stdout).toBe('');
  expectFormatted();

  const registry: { CHECKS: readonly { id: string; examples: readonly unknown[] }[] } = await import(
    join(copy, REGISTRY)
  );
  expect(registry.CHECKS.at(-1)).toMatchObject({ id: ID, examples: [] });

  const examples = runTool('vitest/vitest.mjs', [
    'run',
    '--reporter=json',
    '--outputFile=report.json',
    'test/unit/examples.test.ts',
  ]);
  expect(examples.status).toBe(1);
  expect(listFailed(read('report.json'))).toEqual([
    `Check ${ID} has at least two refused and two allowed examples, at levels where it runs`,
    `Check ${ID} says what it refuses, why, and what to do`,
  ]);
});

it('gives every check that waits for the next release the same catalogue', () => {
  const described: { version: string } = JSON.parse(read('package.json'));
  write('package.json', JSON.stringify({ ...described, version: '0.7.3' }));
  newCheck('first-of-two');
  newCheck('second-of-two');
  expect(read('src/checks/first-of-two.ts')).toContain("since: '0.8'");
  expect(read('src/checks/second-of-two.ts')).toContain("since: '0.8'");
});

it('keeps the registry formatted, whatever the name and however many', () => {
  // The first is the beginning of another id, and together they are more than a line holds.
  for (const id of [
    'long-lived-token',
    'a-b',
    'rbac-node-prox',
    'token-request-bindings',
    'zone-of-a-10',
    'zone-of-a-2',
  ])
    expect(newCheck(id).status).toBe(0);
  expectFormatted();
});

it('refuses an id or file that is there already, and an id that is none, and writes nothing', () => {
  write('src/checks/left-over.ts', '// not in the registry\n');
  const before = read(REGISTRY);
  expect(newCheck('year-long-token')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'new-check: year-long-token is in the registry already; ids are final and never reused\n',
  });
  expect(newCheck('left-over')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'new-check: src/checks/left-over.ts exists already\n',
  });
  for (const id of [
    undefined,
    'default',
    'Upper-Case',
    'two words',
    '../es-cape',
    '-a-b',
    'a--b',
    'a-b-',
    `a-${'x'.repeat(39)}`,
  ])
    expect(newCheck(id)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('is not an id') });
  expect(read(REGISTRY)).toBe(before);
  expect(read('src/checks/left-over.ts')).toBe('// not in the registry\n');
});

function newCheck(id: string | undefined) {
  const args = id === undefined ? [] : [id];
  return spawnSync(process.execPath, [join(copy, 'scripts/new-check.ts'), ...args], { encoding: 'utf8' });
}

function runTool(file: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, 'node_modules', file), ...args], { cwd: copy, encoding: 'utf8' });
}

function expectFormatted(): void {
  const { status, stdout, stderr } = runTool('@biomejs/biome/bin/biome', ['check', 'src/checks']);
  expect({ status, problems: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, problems: '' });
}

function listFailed(report: string): readonly string[] {
  const { testResults }: { testResults: { assertionResults: { status: string; fullName: string }[] }[] } =
    JSON.parse(report);
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName }) => fullName);
}

function read(path: string): string {
  return readFileSync(join(copy, path), 'utf8');
}

function write(path: string, text: string): void {
  writeFileSync(join(copy, path), text);
}
