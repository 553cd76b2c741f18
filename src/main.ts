/** argv → one command. The only file that ends the process or hears its signals. */

import { createInterface } from 'node:readline/promises';
import { runCommand } from './cli/commands.ts';

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

const stopping = new AbortController();
for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
  process.on(signal, () => {
    // The first one asks, the second one insists.
    if (stopping.signal.aborted) process.exit(128 + number);
    stopping.abort();
  });
}

/** On standard error: what is written to standard output stays a report. Whoever ends the input has said nothing. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question, { signal: stopping.signal }), ended]);
  } finally {
    lines.close();
  }
}

// Whoever reads has gone, as `head` does: nobody is left to be told.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const code = await runCommand(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  signal: stopping.signal,
  input: process.stdin,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  // A dumb one shows a bar as the characters that draw it.
  terminal:
    process.stderr.isTTY && process.env['TERM'] !== 'dumb'
      ? { write: (text) => process.stderr.write(text), columns: process.stderr.columns }
      : undefined,
});
// What was written to a pipe may still be on its way; where nothing is, nothing is written: a full disk refuses even that.
const unsent = [process.stdout, process.stderr].filter(({ writableLength }) => writableLength > 0);
await Promise.all(unsent.map((stream) => new Promise((done) => stream.write('', done))));
process.exit(code);
