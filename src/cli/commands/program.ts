/** All commands as one tree: the parser, `--help`, completion and the reference are made of it. */

import { Command } from 'commander';
import { VERSION } from '../../version.ts';
import { addAudit } from './audit.ts';
import { addCheck } from './check.ts';
import { addCleanup } from './cleanup.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import type { CommandContext } from './context.ts';
import { EXIT_CODES } from './context.ts';
import { addExplain } from './explain.ts';
import { addImport } from './import.ts';
import { addRender } from './render.ts';
import { addServe } from './serve.ts';
import { addUsage } from './usage.ts';
import { addWhoCan } from './who-can.ts';

export function createProgram(context: CommandContext): Command {
  const { io } = context;
  const program = new Command('curfew')
    .description('No service account token outlives its need.')
    .configureOutput({ writeOut: io.write, writeErr: io.writeError })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  curfew check deploy/
  curfew audit
  curfew explain year-long-token
`,
    )
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([exit, meaning]) => `  ${String(exit).padEnd(4)}${meaning}\n`).join('')}`,
    );
  // In the order in which `--help` tells them.
  for (const add of [
    addCheck,
    addAudit,
    addWhoCan,
    addCleanup,
    addUsage,
    addExplain,
    addConfig,
    addRender,
    addImport,
    addServe,
    addCompletion,
  ])
    add(program, context);
  program
    .command('version')
    .description('Print the version.')
    .addHelpText(
      'after',
      `
Examples:
  curfew version
`,
    )
    .action(() => io.write(`curfew ${VERSION}\n`));
  return program;
}
