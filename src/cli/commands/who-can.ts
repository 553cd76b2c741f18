/** `curfew who-can`, as the parser knows it. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { WhoCanOptions } from '../who-can.ts';
import type { CommandContext } from './context.ts';
import { createContextOption, createKubeconfigOption } from './options.ts';

export function addWhoCan(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('who-can')
    .description('Say who can obtain a token of a service account, step by step, or whose tokens somebody can obtain.')
    .argument('[account]', 'whose token: NAMESPACE/NAME, NAMESPACE/*, * or cluster-admin; default: all paths there are')
    .option(
      '--from <identity>',
      'whose tokens this one can obtain: ServiceAccount:NAMESPACE/NAME, User:NAME, Group:NAME',
    )
    .option('--built-in', 'tell also whom Kubernetes itself binds, such as its controllers', false)
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .addOption(new Option('-o, --output <format>', 'what is written').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  curfew who-can shop/web
  curfew who-can 'kube-system/*'
  curfew who-can cluster-admin --built-in
  curfew who-can --from ServiceAccount:shop/web
  curfew who-can --from Group:system:serviceaccounts --output json
`,
    )
    .action(async (account: string | undefined, options: WhoCanOptions) => {
      outcome.failure = 2;
      const { whoCan } = await import('../who-can.ts');
      outcome.code = await whoCan(account, options, io);
    });
}
