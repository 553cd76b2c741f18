/** `helm test`: the script in its pod, run here as the pod runs it, against a Curfew that answers and against none. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../scripts/run-program.ts';
import { asArray, asString, type JsonObject, valueAt } from '../../src/objects/json.ts';
import { find, findHelms, parse, render } from './rendering.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let command: readonly string[];
let pod: JsonObject | undefined;
let server: ChildProcess | undefined;
beforeAll(async () => {
  await findHelms();
  pod = find(parse(await render('helm', undefined)), 'Pod');
  const container = ['spec', 'containers', 0];
  const read = (key: string) => asArray(valueAt(pod, [...container, key])).map((word) => asString(word) ?? '');
  command = [...read('command'), ...read('args')];
});
afterEach(async () => {
  const running = server;
  server = undefined;
  // It would drain for some seconds.
  if (running?.kill('SIGKILL') === true) await once(running, 'exit');
});

describe('The pod of helm test', () => {
  it('asks the webhook’s own Service, by the Node of the image, without a token', () => {
    expect(command[0]).toBe('/nodejs/bin/node');
    expect(command.at(-1)).toBe('https://curfew.curfew-system.svc:443');
    expect(valueAt(pod, ['spec', 'automountServiceAccountToken'])).toBe(false);
    expect(valueAt(pod, ['metadata', 'annotations', 'helm.sh/hook'])).toBe('test');
    // The webhook's Service must not take it for a replica.
    expect(valueAt(pod, ['metadata', 'labels', 'app.kubernetes.io/name'])).toBe('curfew-test');
  });

  it('prints the verdict', async () => {
    const url = await startCurfew();
    const { code, stdout, stderr } = await ask(url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Curfew answers: denied: Secret helm-test/helm-test: 1 problem');
  });

  it('fails with a sentence where nobody answers', async () => {
    const { code, stderr } = await ask('https://127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toContain('https://127.0.0.1:1 cannot be asked: connect ECONNREFUSED');
  });

  it('fails with what came where the answer is no verdict', async () => {
    const url = await startCurfew();
    const { code, stderr } = await ask(`${url}/nowhere`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^status 404: /);
  });
});

async function ask(url: string): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return await runProgram(process.execPath, [...command.slice(1, -1), url]);
}

/** A Curfew without a cluster; resolves to its URL once it listens. */
async function startCurfew(): Promise<string> {
  const args = ['serve', '--without-cluster', '--webhook-listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0'];
  server = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { stdout } = server;
  if (stdout === null) throw new Error('the server has no standard output');
  for await (const line of createInterface({ input: stdout })) {
    const url = /"webhook":"(https:[^"]+)"/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('Curfew ended before it listened');
}
