/** The command line as a function: what it prints, and its exit code. */

import { Readable } from 'node:stream';
import { runCommand } from '../../../src/cli/commands.ts';

export async function run(...argv: readonly string[]) {
  const { code, out, error } = await runWith({}, ...argv);
  return { code, out, error };
}

type Surroundings = {
  readonly input?: string;
  readonly columns?: number;
  /** What the person at the terminal says when asked; without it there is nobody. */
  readonly answer?: (question: string) => Promise<string>;
};

/** With `input` on standard input, and on a terminal that is so many columns wide. */
export async function runWith({ input = '', columns, answer }: Surroundings, ...argv: readonly string[]) {
  let drawn = '';
  let out = '';
  let error = '';
  const code = await runCommand(argv, {
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
    ask: answer,
    signal: new AbortController().signal,
    input: Readable.from([Buffer.from(input)]),
    terminal:
      columns === undefined
        ? undefined
        : {
            columns,
            write: (text) => {
              drawn += text;
            },
          },
  });
  return { code, out, error, drawn };
}
