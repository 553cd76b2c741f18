/** `curfew explain` and `curfew explain-token`. */

import type { Command } from 'commander';
import type { ExplainTokenOptions } from '../explain-token.ts';
import type { CommandContext } from './context.ts';
import { USAGE } from './context.ts';
import { createContextOption, createKubeconfigOption } from './options.ts';

export function addExplain(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('explain')
    .description('Say what a check refuses or a mutation changes, why, and what to do; without an id, list them all.')
    .argument('[id]', 'id of the rule, as a denial names it')
    .addHelpText(
      'after',
      `
Examples:
  curfew explain
  curfew explain year-long-token
`,
    )
    .action(async (id: string | undefined) => {
      const { explain } = await import('../explain.ts');
      const text = explain(id);
      if (text !== undefined) return io.write(text);
      io.writeError(`curfew: there is no rule ${JSON.stringify(id)}; "curfew explain" lists them all\n`);
      outcome.code = USAGE;
    });

  program
    .command('explain-token')
    .description('Say what a service account token is, what a thief could do with it, and how to revoke it.')
    .argument('<file>', 'file that holds it, - for standard input; a token itself is never an argument')
    .option('--verify', 'ask the cluster whether it accepts the token', false)
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .option('--config <file>', 'configuration file, for the audiences of the API server')
    .addHelpText(
      'after',
      `
Examples:
  kubectl create token web | curfew explain-token -
  curfew explain-token --verify /var/run/secrets/kubernetes.io/serviceaccount/token
`,
    )
    .action(async (file: string, options: ExplainTokenOptions) => {
      outcome.failure = 2;
      const { explainToken } = await import('../explain-token.ts');
      outcome.code = await explainToken(file, options, io);
    });
}
