/** The command line as a function: what it prints, and its exit code. */

import { runCommand } from '../../../src/cli/commands.ts';

export async function run(...argv: readonly string[]) {
  let out = '';
  let error = '';
  const code = await runCommand(argv, {
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
    signal: new AbortController().signal,
  });
  return { code, out, error };
}
