import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './run-command.ts';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(join(folder, shell), (await run('completion', shell)).out);
  }
  writeFileSync(join(folder, 'web.yaml'), '');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What bash would offer for these words, of which the last is being typed. */
function complete(...words: readonly string[]): readonly string[] {
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _curfew; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('Completion in bash', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['commands', ['curfew', 'expl'], ['explain', 'explain-token']],
    ['commands below one', ['curfew', 'config', ''], ['check', 'show', 'test', 'migrate', '--help']],
    ['options of a command', ['curfew', 'check', '--le'], ['--level']],
    ['options of a command below one', ['curfew', 'config', 'migrate', '-'], ['--write', '-w', '--help']],
    ['values of an option', ['curfew', 'check', '--level', ''], ['baseline', 'restricted']],
    ['values of its short form', ['curfew', 'check', '-o', 'j'], ['json', 'junit']],
    ['values of an argument', ['curfew', 'completion', 'f'], ['fish']],
    ['files of an option', ['curfew', 'check', '--config', 'w'], ['web.yaml']],
    ['files of an argument', ['curfew', 'check', 'web'], ['web.yaml']],
    ['what comes after other options', ['curfew', 'check', '--fix', '--level', 'base'], ['baseline']],
    ['as a plugin of kubectl', ['kubectl-curfew', 'vers'], ['version']],
    ['nothing that is not there', ['curfew', 'nothing-of-the-kind'], []],
  ])('%s', (_what, words, offered) => {
    expect(complete(...words)).toEqual(offered);
  });
});

describe('The scripts', () => {
  it.each(['bash', 'zsh', 'fish'])('name every option of a command: %s', async (shell) => {
    const { out: help } = await run('check', '--help');
    const { out } = await run('completion', shell);
    const options = [...help.matchAll(/^ +(?:-[a-z], )?--([a-z-]+)/gm)].map(([, option = '']) => option);
    expect(options).toContain('level');
    const missing = options.filter((option) => !new RegExp(`(--|-l )${option}\\b`).test(out));
    // fish knows --help of itself.
    expect(missing).toEqual(shell === 'fish' ? ['help'] : []);
  });

  it.each(['bash', 'zsh', 'fish'])('can be read by %s, where it is installed', (shell) => {
    const { error, status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
    if (error !== undefined) return;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are refused for a shell that is none of them', async () => {
    const { code, error } = await run('completion', 'powershell');
    expect(code).toBe(64);
    expect(error).toContain('Allowed choices are bash, zsh, fish');
  });
});
