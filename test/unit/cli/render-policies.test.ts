import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../../src/version.ts';
import { run } from './run-command.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-policies-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const VALUES = 'replicas: 3\nconfig:\n  secretIndex: true\n  checks: { rbac-escalate: { mode: "off" } }\n';

function write(text: string): string {
  const file = join(folder, 'values.yaml');
  writeFileSync(file, text);
  return file;
}

describe('curfew render policies', () => {
  it('says what was rendered, of the configuration what policies follow alone', async () => {
    const { code, out } = await run('render', 'policies', '--values', write(VALUES), '--kubernetes', '1.33');
    expect(code).toBe(0);
    const from = { version: VERSION, engine: 'native', nodeTokens: 'off', namespace: 'curfew-system' };
    const configuration = { checks: { 'rbac-escalate': { mode: 'off' } } };
    expect(out.split('\n')[1]).toBe(
      `# rendered from: ${JSON.stringify({ ...from, kubernetes: '1.33', configuration })}`,
    );
    expect(out).not.toContain('name: rbac-escalate');
  });

  it('writes what denies, and nothing else, to stand behind the webhook', async () => {
    const { out } = await run('render', 'policies', '--engine', 'both');
    const names = [...out.matchAll(/^ {2}name: (\S+)$/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !name.endsWith('.enforce.curfew.dev'))).toEqual([]);
  });

  it.each([
    ['config: 1', 'config must be an object, the configuration'],
    ['config: { levels: { enforce: strict } }', '/levels/enforce "strict" is not allowed'],
  ])('says what is wrong with values: %s', async (text, words) => {
    const { code, error } = await run('render', 'policies', '--values', write(text));
    expect(code).not.toBe(0);
    expect(error).toContain(words);
  });

  it('takes a configuration or values, not both', async () => {
    const { code, error } = await run('render', 'policies', '--values', write(VALUES), '--config', 'curfew.yaml');
    expect(code).not.toBe(0);
    expect(error).toContain('cannot be used with option');
  });
});
