import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
/** Node 24 first, for the shebang of the installed command. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };

let folder = '';
let built = '';
let command = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-package-'));
  built = join(folder, 'built');
  build(built);
  const [packed] = JSON.parse(npm(['pack', built, '--json', '--pack-destination', folder])) as { filename: string }[];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  npm(['install', '--offline', '--no-audit', '--no-fund', join(folder, packed?.filename ?? '')]);
  command = join(folder, 'node_modules', '.bin', 'curfew');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('The package', () => {
  it('is one bundle and what belongs to it, with no dependencies', () => {
    const described: Record<string, unknown> = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'));
    expect(described).toMatchObject({ name: 'curfew', engines: { node: '>=24' } });
    expect(described['dependencies']).toBeUndefined();
    expect(described['optionalDependencies']).toBeUndefined();
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['curfew']);
    expect(readdirSync(join(folder, 'node_modules', 'curfew')).toSorted()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'curfew.mjs', 'package.json', 'schemas'].toSorted(),
    );
  });

  it('is the same bytes when built again', () => {
    const again = join(folder, 'again');
    build(again);
    expect(readFileSync(join(again, 'curfew.mjs')).equals(readFileSync(join(built, 'curfew.mjs')))).toBe(true);
  });

  it('runs from an empty folder', () => {
    expect(run(['version'])).toMatch(/^curfew \d+\.\d+\.\d+\n$/);
    expect(run(['explain', 'long-lived-token-secret'])).toContain('Fix: kubectl create token ci --namespace ci');
  });

  it('serves, and stops when asked', async () => {
    const args = [
      'serve',
      '--without-cluster',
      '--webhook-listen',
      '127.0.0.1:0',
      '--operations-listen',
      '127.0.0.1:0',
    ];
    const config = join(folder, 'configuration.yaml');
    writeFileSync(config, 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\nserver: { drainSeconds: 0 }\n');
    const child = spawn(command, [...args, '--config', config], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      const operations = await new Promise<string>((resolve, reject) => {
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          const address = /"operations":"(http:[^"]+)"/.exec(text)?.[1];
          if (address !== undefined) resolve(address);
        });
        child.once('exit', () => reject(new Error(text)));
      });
      expect((await fetch(`${operations}/readyz`)).status).toBe(200);
      child.kill('SIGTERM');
      expect(await exited).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

function build(target: string): void {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), target], { stdio: 'pipe' });
}

function run(args: readonly string[]): string {
  return execFileSync(command, args, { env, encoding: 'utf8' });
}

function npm(args: readonly string[]): string {
  return execFileSync('npm', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
