import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const OLDER = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.11.1"})';
const SENTENCE = 'curfew needs Node.js 24 or newer; this is v20.11.1.\n';

it('runs the tests themselves on Node 24 or newer, whatever the machine has', () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
});

it('states the floor in one sentence when a script of the repository runs on an older Node', () => {
  const { status, stdout, stderr } = runOlder([join(ROOT, 'scripts', 'run.mjs'), 'scripts/test.ts']);
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: SENTENCE });
});

it('states the floor in one sentence when the published command runs on an older Node', () => {
  const { status, stdout, stderr } = runOlder([join(ROOT, 'scripts', 'launcher.mjs'), 'version']);
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: SENTENCE });
});

it('reads the floor from the package.json beside it, and starts nothing below it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-launcher-'));
  try {
    mkdirSync(join(folder, 'bin'));
    copyFileSync(join(ROOT, 'scripts', 'launcher.mjs'), join(folder, 'bin', 'curfew.mjs'));
    writeFileSync(join(folder, 'curfew.mjs'), 'console.log("started");\n');
    for (const [floor, stdout, status] of [
      ['>=24', 'started\n', 0],
      ['>=1000', '', 1],
    ]) {
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ engines: { node: floor } }));
      const ran = spawnSync(process.execPath, [join(folder, 'bin', 'curfew.mjs')], { encoding: 'utf8' });
      expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status, stdout });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('says how the launcher of scripts is used when it is given none', () => {
  const ran = spawnSync(process.execPath, [join(ROOT, 'scripts', 'run.mjs')], { encoding: 'utf8' });
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({
    status: 2,
    stderr: 'usage: node scripts/run.mjs SCRIPT [ARGUMENT…]\n',
  });
});

it('starts every script of package.json through the launcher that knows the floor', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const direct = Object.entries(scripts).filter(([, command]) => /\bnode (?!scripts\/run\.mjs )/.test(command));
  expect(direct).toEqual([]);
});

it('shows a script itself as argv[1], and its arguments after it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-launcher-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(
      join(folder, 'src', 'echo.ts'),
      'const args: string[] = process.argv.slice(1);\nconsole.log(args.join());\n',
    );
    const script = join(folder, 'src', 'echo.ts');
    const { stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'run.mjs'), script, 'a', '--b'], {
      encoding: 'utf8',
    });
    expect(stdout).toBe(`${script},a,--b\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function runOlder(args: readonly string[]) {
  return spawnSync(process.execPath, ['--import', OLDER, ...args], { encoding: 'utf8' });
}
