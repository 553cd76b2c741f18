/** How commands are told which cluster and which part of it they look at, and what they write where nobody watches. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/commands/program.ts';
import { run, runWith } from './run-command.ts';

const silent = () => {};
const PROGRAM = createProgram({
  io: {
    write: silent,
    writeError: silent,
    input: process.stdin,
    terminal: undefined,
    signal: new AbortController().signal,
  },
  outcome: { code: 0, failure: 1 },
});

type Named = { readonly path: readonly string[]; readonly command: Command };

function listCommands(command: Command, path: readonly string[]): readonly Named[] {
  return command.commands.flatMap((child) => {
    const own = [...path, child.name()];
    return [{ path: own, command: child }, ...listCommands(child, own)];
  });
}

const flagsOf = ({ command }: Named) => command.options.map(({ flags }) => flags);
const ASKING = listCommands(PROGRAM, []).filter((one) =>
  flagsOf(one).some((flags) => flags.startsWith('--kubeconfig')),
);

/**
 * These look at one thing: their own installation, or a token; to them a namespace is where Curfew runs. Or at all of it: rights
 * lead from one namespace to the next.
 */
const OF_ONE_THING = new Set(['serve', 'probe', 'explain-token', 'who-can']);

describe('Commands that talk to a cluster', () => {
  it('are found', () => {
    const names = ASKING.map(({ path }) => path.join(' '));
    expect(names).toEqual(
      expect.arrayContaining([
        'audit',
        'cleanup plan',
        'cleanup delete',
        'config test',
        'usage',
        'explain-token',
        'serve',
        'probe',
      ]),
    );
  });

  it.each(ASKING)('$path take a context', (one) => {
    expect(flagsOf(one)).toContain('--context <name>');
  });

  it.each(ASKING.filter(({ path }) => !OF_ONE_THING.has(path[0] ?? '')))(
    '$path take -n and -A, and not both',
    async (one) => {
      expect(flagsOf(one)).toEqual(expect.arrayContaining(['-n, --namespace <name>', '-A, --all-namespaces']));
      const needed = one.command.options
        .filter(({ mandatory }) => mandatory)
        .flatMap(({ long }) => [long ?? '', 'a=b']);
      const { code, error } = await run(...one.path, ...needed, '-n', 'shop', '-A');
      expect({ code, error }).toEqual({ code: 64, error: expect.stringContaining("cannot be used with option '-n") });
    },
  );

  it.each(ASKING.filter(({ path }) => path.join(' ') === 'audit' || path[0] === 'cleanup'))(
    '$path name the kubeconfig that cannot be read',
    async ({ path }) => {
      const names = path[1] === 'restore' ? ['shop/old'] : [];
      const { code, error } = await run(...path, ...names, '--kubeconfig', '/nonexistent', '--context', 'a');
      expect({ code, error }).toEqual({ code: 2, error: 'curfew: Kubeconfig /nonexistent: it does not exist.\n' });
    },
  );
});

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
const NO_TERMINAL = /\u001B|\r/;

describe('Where there is no terminal', () => {
  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['FORCE_COLOR', { FORCE_COLOR: '3', CLICOLOR_FORCE: '1' }],
    ['a narrow COLUMNS', { COLUMNS: '20' }],
  ])('nothing is coloured, drawn or cut, whatever the environment says: %s', (_what, env) => {
    const call = (...args: readonly string[]) =>
      spawnSync(process.execPath, [MAIN, ...args], {
        env: { PATH: process.env['PATH'], ...env },
        input: 'kind: Secret\napiVersion: v1\nmetadata: {name: a}\ntype: kubernetes.io/service-account-token\n',
        encoding: 'utf8',
      });
    const plain = spawnSync(process.execPath, [MAIN, 'check', '--help'], { env: {}, encoding: 'utf8' });
    const help = call('check', '--help');
    expect(help.stdout).toBe(plain.stdout);
    const denied = call('check', '-');
    expect(denied.status).toBe(1);
    expect(denied.stdout).toContain('long-lived-token-secret at /type');
    for (const { stdout, stderr } of [help, denied, call('chekc')]) expect(stdout + stderr).not.toMatch(NO_TERMINAL);
  });

  it('a table goes to standard output as it goes to a terminal', async () => {
    const input = 'kind: Secret\napiVersion: v1\nmetadata: {name: a}\ntype: kubernetes.io/service-account-token\n';
    const piped = await runWith({ input }, 'check', '-');
    const seen = await runWith({ input, columns: 20 }, 'check', '-');
    expect([seen.code, seen.out]).toEqual([piped.code, piped.out]);
  });
});
