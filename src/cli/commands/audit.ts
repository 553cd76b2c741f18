/** `curfew audit`, as the parser knows it. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { AuditCommandOptions } from '../audit.ts';
import type { CommandContext } from './context.ts';
import { createContextOption, createKubeconfigOption, createLevelOption } from './options.ts';

export function addAudit(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('audit')
    .description('Say what the webhook would refuse of what is in a cluster, and which tokens in it never expire.')
    .option('--config <file>', 'configuration file, as a trial; default: every default')
    .addOption(createLevelOption())
    .option('-n, --namespace <name>', 'look at one namespace; default: all, and what is in none')
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .option('--warnings', 'tell in the table what would only be warned about, too', false)
    .addOption(new Option('-o, --output <format>', 'what is written').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  curfew audit
  curfew audit --namespace shop --level restricted
  curfew audit --config curfew.yaml --output json > audit.json
`,
    )
    .action(async (options: AuditCommandOptions) => {
      outcome.failure = 2;
      const { audit } = await import('../audit.ts');
      outcome.code = await audit(options, io);
    });
}
