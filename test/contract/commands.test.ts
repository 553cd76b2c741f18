import { describe, expect, it } from 'vitest';
import { renderManPage } from '../../scripts/generate-commands.ts';
import { listCommands } from '../../src/cli/command-tree.ts';
import { createProgram } from '../../src/cli/commands/program.ts';
import { run } from '../unit/cli/run-command.ts';

const silent = () => {};
const io = {
  write: silent,
  writeError: silent,
  input: (async function* () {})(),
  terminal: undefined,
  signal: AbortSignal.abort(),
};
const COMMANDS = listCommands(createProgram({ io, outcome: { code: 0, failure: 1 } }));
const NAMED = COMMANDS.map((node) => ({ name: ['curfew', ...node.path].join(' '), node }));

/** Requests of man(7) that the page is made of. */
const REQUESTS = new Set(['.TH', '.SH', '.SS', '.TP', '.B', '.BR', '.PP', '.EX', '.EE']);

describe.each(NAMED)('$name', ({ name, node }) => {
  it('says what it does, and shows how it is called', () => {
    expect(node.description).toMatch(/^[A-Z].*\.$/);
    expect(node.examples.filter((line) => line.includes(node.path.length === 0 ? 'curfew ' : name))).not.toEqual([]);
  });

  it('has examples of commands and options that are there', () => {
    for (const line of node.examples) {
      const words = (line.match(/\bcurfew ([^|>)]*)/)?.[1] ?? '').trim().split(/ +/);
      const called = COMMANDS.findLast(({ path }) => path.every((word, index) => words[index] === word));
      const known = (called?.options ?? []).flatMap(({ long, short }) => [long, short]);
      const flags = words.filter((word) => /^-./.test(word)).map((word) => word.split('=')[0]);
      expect({ line, path: called?.path.length === 0, unknown: flags.filter((flag) => !known.includes(flag)) }).toEqual(
        {
          line,
          path: false,
          unknown: [],
        },
      );
    }
  });

  it('describes each of its options', () => {
    expect(node.options.filter(({ description }) => description === '')).toEqual([]);
  });

  it('takes an option that is not there for a mistake of the caller', async () => {
    const { code, error } = await run(...node.path, '--no-such-option');
    expect({ code, error }).toEqual({ code: 64, error: expect.stringMatching(/^error: (unknown|required) option /) });
  });
});

describe('The man page', () => {
  it('has a line that looks like a request only where it is one', () => {
    const requests = renderManPage()
      .split('\n')
      .filter((line) => /^[.']/.test(line))
      .map((line) => line.split(' ')[0] ?? '');
    expect(requests.filter((request) => !REQUESTS.has(request))).toEqual([]);
  });

  it('tells each command and each option', () => {
    const page = renderManPage().replaceAll('\\-', '-');
    for (const { name, node } of NAMED) {
      expect(page).toContain(name);
      for (const { flags } of node.options) expect(page).toContain(flags);
    }
  });
});
