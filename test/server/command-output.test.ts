/** What a command writes arrives whole, however slowly it is read. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const SECRETS = 1_000;

function startCheck() {
  const child = spawn(process.execPath, [MAIN, 'check', '--output', 'json', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const secret = (index: number) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s-${index}, annotations: {kubernetes.io/service-account.name: ci}}\ntype: kubernetes.io/service-account-token\n`;
  child.stdin.end(Array.from({ length: SECRETS }, (_, index) => secret(index)).join('---\n'));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended };
}

describe('The output of a command', () => {
  it('arrives whole in a pipe that is read slowly', async () => {
    const { child, ended } = startCheck();
    let out = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      out += String(chunk);
      await sleep(1);
    }
    expect(await ended).toBe(1);
    expect(out.length).toBeGreaterThan(400_000);
    expect(JSON.parse(out)).toMatchObject({ summary: { denied: SECRETS } });
  });

  it('may be left unread, and nothing is said about it', async () => {
    const { child, ended } = startCheck();
    let error = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      error += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await ended).toBe(1);
    expect(error).toBe('');
  });
});
