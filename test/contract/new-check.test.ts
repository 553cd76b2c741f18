import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

let copy = '';
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'curfew-new-check-'));
  cpSync(join(ROOT, 'src'), join(copy, 'src'), { recursive: true });
  for (const name of ['tsconfig.json', 'package.json']) cpSync(join(ROOT, name), join(copy, name));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

it('writes a check that compiles, is registered, and has no examples yet', async () => {
  const { status, stdout } = newCheck('example-of-a-check');
  expect(status).toBe(0);
  expect(stdout).toContain('at least two refused, two allowed; until then the tests fail');
  expect(readFileSync(join(copy, 'src/checks/registry.ts'), 'utf8')).toContain(
    "import exampleOfACheck from './example-of-a-check.ts';",
  );
  const types = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', copy], {
    encoding: 'utf8',
  });
  expect(types.stdout).toBe('');

  const registry: { CHECKS: readonly { id: string; since: string; examples: readonly unknown[] }[] } = await import(
    join(copy, 'src/checks/registry.ts')
  );
  expect(registry.CHECKS.at(-1)).toMatchObject({ id: 'example-of-a-check', since: '0.2', examples: [] });
});

it('refuses an id that is taken or is no id, and writes nothing', () => {
  expect(newCheck('year-long-token')).toMatchObject({ status: 1, stdout: '' });
  for (const id of ['Upper', 'two words', '../escape', '-a', 'a--b', 'x'.repeat(41)]) {
    expect(newCheck(id)).toMatchObject({ status: 2, stdout: '' });
  }
  expect(existsSync(join(copy, 'src', 'escape.ts'))).toBe(false);
});

function newCheck(id: string) {
  const script = join(ROOT, 'scripts', 'new-check.ts');
  return spawnSync(process.execPath, [script, id], { encoding: 'utf8', env: { ...process.env, CURFEW_ROOT: copy } });
}
