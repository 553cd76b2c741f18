/** `curfew check`, as the parser knows it. */

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { CheckCommandOptions } from '../check.ts';
import { CHECK_OUTPUTS } from '../check-outputs.ts';
import type { CommandContext } from './context.ts';
import { createLevelOption } from './options.ts';

export function addCheck(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('check')
    .description('Say what the webhook would deny, warn about and audit of manifests, before they are applied.')
    .argument('<files...>', 'files and folders of YAML or JSON; - is standard input')
    .option('--config <file>', 'configuration file; default: ./curfew.yaml if it is there, else every default')
    .addOption(createLevelOption())
    .addOption(
      new Option('-n, --namespace <name>', 'of objects that name none').argParser(toNamespace).default('default'),
    )
    .addOption(new Option('-o, --output <format>', 'what is written').choices([...CHECK_OUTPUTS]).default('table'))
    .option('--fix', 'write what can be repaired into the files, comments and formatting kept', false)
    .option('--diff', 'show what --fix would write, as a patch, and write nothing', false)
    .addHelpText(
      'after',
      `
Examples:
  curfew check deploy/
  helm template . | curfew check -
  kustomize build overlays/production | curfew check --level restricted -
  curfew check --output sarif deploy/ > curfew.sarif
  curfew check --level restricted --diff deploy/
`,
    )
    .action(async (names: readonly string[], options: CheckCommandOptions) => {
      outcome.failure = 2;
      const { check } = await import('../check.ts');
      outcome.code = await check(names, options, io);
    });
}

/** As the API server would take it (RFC 1123 label). */
function toNamespace(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
    throw new InvalidArgumentError('It is not the name of a namespace.');
  }
  return value;
}
