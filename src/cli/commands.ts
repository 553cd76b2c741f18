/** The command line: from its words to one command, and from what came of that to an exit code. */

import { CommanderError } from 'commander';
import type { CommandIo, ExitCode } from './commands/context.ts';
import { USAGE } from './commands/context.ts';
import { createProgram } from './commands/program.ts';

/** Runs the command that `argv` (without node and script) names, and returns the exit code. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const outcome: { code: ExitCode; failure: ExitCode } = { code: 0, failure: 1 };
  try {
    await createProgram({ io, outcome }).parseAsync([...argv], { from: 'user' });
    return outcome.code;
  } catch (error) {
    // The parser throws for `--help` too; it has then printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    io.writeError(`curfew: ${error instanceof Error ? error.message : String(error)}\n`);
    return outcome.failure;
  }
}
