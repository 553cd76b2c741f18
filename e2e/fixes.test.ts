/**
 * Every command that a message tells people to run, pasted into a shell with the real kubectl. No API server is there, so a
 * command that kubectl understands ends with a refused connection, and one that it does not, or that the shell takes apart,
 * with its own complaint.
 */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../scripts/run-program.ts';
import { findTools } from '../scripts/tools.ts';
import { findCommand, kubeconfigOfNobody, readFixTexts } from './fix-texts.ts';

const COMMANDS = [...new Set(readFixTexts().flatMap((text) => findCommand(text) ?? []))];
/** What the client says once the command was understood. */
const UNDERSTOOD = /connection refused|The connection to the server .* was refused/;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curfew-fixes-'));
  const { kubectl } = await findTools(['kubectl']);
  await mkdir(join(folder, 'bin'));
  await symlink(kubectl, join(folder, 'bin', 'kubectl'));
  await writeFile(join(folder, 'kubeconfig'), kubeconfigOfNobody());
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** As somebody who pastes it; `-e` and `-u`, so that nothing but the command can end well. */
async function paste(command: string) {
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    KUBECONFIG: join(folder, 'kubeconfig'),
  };
  return await runProgram('/bin/sh', ['-eu', '-c', command], { env, cwd: folder });
}

describe('The command of a fix', () => {
  it('is there in most of the kinds that Curfew has', () => {
    const verbs = new Set(COMMANDS.map((command) => command.split(' ').slice(0, 2).join(' ')));
    expect([...verbs].toSorted()).toEqual([
      'kubeadm token',
      'kubectl annotate',
      'kubectl create',
      'kubectl delete',
      'kubectl label',
      'kubectl patch',
    ]);
  });

  it.each(COMMANDS.filter((command) => command.startsWith('kubectl ')))('%s', async (command) => {
    expect((await paste(command)).stderr).toMatch(UNDERSTOOD);
  });

  it.each([
    ['words after it', 'kubectl create token web --duration 1h, or mount a volume'],
    ['a placeholder that a shell takes for a file', 'kubectl create token web --audience <audience>'],
    ['a flag that kubectl does not know', 'kubectl create token web --lifetime 1h'],
  ])('would not be understood with %s', async (_what, command) => {
    const { code, stderr } = await paste(command);
    expect(code).not.toBe(0);
    expect(stderr).not.toMatch(UNDERSTOOD);
  });
});
