/** `curfew usage`, as the parser knows it. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { UsageOptions } from '../usage.ts';
import { USAGE_OUTPUTS } from '../usage-outputs.ts';
import type { CommandContext } from './context.ts';
import {
  createAllNamespacesOption,
  createContextOption,
  createKubeconfigOption,
  createNamespaceOption,
} from './options.ts';

export function addUsage(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('usage')
    .description('Say which service account used which token for what, from the audit log of an API server.')
    .requiredOption('--audit-log <files...>', 'audit log, JSON lines, also gzip; - is standard input')
    .option('--cluster', 'compare with the accounts and pods of the cluster: who holds a token and never called', false)
    .addOption(createNamespaceOption().implies({ cluster: true }))
    .addOption(createAllNamespacesOption())
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .option('--config <file>', 'configuration file, for the audiences of the API server')
    .addOption(
      new Option('-o, --output <format>', 'what is written; manifests are the least RBAC and the opt-outs')
        .choices([...USAGE_OUTPUTS])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  curfew usage --audit-log /var/log/kubernetes/audit/*.log --cluster
  zcat audit-*.gz | curfew usage --output manifests --audit-log -
`,
    )
    .action(async (options: UsageOptions) => {
      outcome.failure = 2;
      const { usage } = await import('../usage.ts');
      outcome.code = await usage(options, io);
    });
}
