import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { GUARDS } from '../../../src/engine/guards.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { VERSION } from '../../../src/version.ts';
import { run } from './run-command.ts';

describe('The command line', () => {
  it('prints its version', async () => {
    expect(await run('version')).toEqual({ code: 0, out: `curfew ${VERSION}\n`, error: '' });
  });

  it('explains itself, to whoever asks', async () => {
    const { code, out, error } = await run('--help');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    for (const command of ['serve', 'explain', 'version']) expect(out).toContain(command);
  });

  it('lists every check and mutation, one a line', async () => {
    const { code, out } = await run('explain');
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toHaveLength(CHECKS.length + MUTATIONS.length);
  });

  it.each(MUTATIONS.map(({ id }) => id))('explains %s with an example', async (id) => {
    const { code, out } = await run('explain', id);
    expect(code).toBe(0);
    expect(out).toContain('Changed: ');
  });

  it.each(CHECKS.map(({ id }) => id))('explains %s with a fix, something refused and something allowed', async (id) => {
    const { code, out } = await run('explain', id);
    expect(code).toBe(0);
    for (const word of ['Refuses: ', 'Level: ', 'Fix: ', 'Refused: ', 'Allowed: ']) expect(out).toContain(`\n${word}`);
  });

  it.each(GUARDS.map(({ id }) => id))('explains %s, which a denial may name too', async (id) => {
    const { code, out } = await run('explain', id);
    expect(code).toBe(0);
    expect(out).toMatch(/^[^\n]+\nRefuses: [^\n]+\.\n\n[^]+\n\nFix: [^\n]+\n$/);
  });

  it.each(['pod-automout', '__proto__', 'toString', ''])('knows no check %j', async (id) => {
    const { code, out, error } = await run('explain', id);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(error).toContain(JSON.stringify(id));
  });

  it.each([
    ['a command it does not have', ['sevre'], 'serve'],
    ['an option it does not have', ['serve', '--confg', 'x'], '--config'],
    ['an option without its value', ['serve', '--config'], '--config <file>'],
    ['a log level it does not have', ['serve', '--log-level', 'loud'], 'error, warn, info'],
    ['a serving name that is none', ['serve', '--serving-name', 'a b'], 'not a DNS name or an IP address'],
  ])('refuses %s and says what it takes', async (_what, argv, hint) => {
    const { code, error } = await run(...argv);
    expect(code).toBe(64);
    expect(error).toContain(hint);
  });

  it.each([
    ['an address that is none', ['--webhook-listen', '10250'], '"10250" is not HOST:PORT'],
    ['publishing without a cluster', ['--publish-webhooks', 'curfew'], '--publish-webhooks needs a cluster'],
    ['a shared CA without a cluster', ['--certificate-secret', 'a/b'], '--certificate-secret needs a cluster'],
  ])('cannot serve with %s, and says so in one line', async (_what, argv, sentence) => {
    const { code, error } = await run('serve', '--without-cluster', ...argv);
    expect(code).toBe(1);
    expect(error).toMatch(/^curfew: [^\n]+\n$/);
    expect(error).toContain(sentence);
  });
});
