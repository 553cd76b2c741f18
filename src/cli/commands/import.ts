/** `curfew import`, as the parser knows it. */

import type { Command } from 'commander';
import type { Engine } from '../../imports/read-policies.ts';
import type { CommandContext } from './context.ts';

const ENGINES: readonly { readonly engine: Engine; readonly description: string; readonly example: string }[] = [
  {
    engine: 'kyverno',
    description: 'Write the configuration that replaces the token policies of Kyverno, and what of them is left over.',
    example:
      'kubectl get clusterpolicies,policies.kyverno.io,policyexceptions.kyverno.io -A -o yaml | curfew import kyverno - > curfew.yaml',
  },
  {
    engine: 'gatekeeper',
    description:
      'Write the configuration that replaces the token constraints of Gatekeeper, and what of them is left over.',
    example: 'kubectl get constrainttemplates,constraints -o yaml | curfew import gatekeeper - > curfew.yaml',
  },
];

export function addImport(program: Command, { io, outcome }: CommandContext): void {
  const group = program
    .command('import')
    .description('Write the configuration that replaces policies of another policy engine.')
    .addHelpText(
      'after',
      `
Examples:
  curfew import kyverno policies/ > curfew.yaml
`,
    );
  for (const { engine, description, example } of ENGINES) {
    group
      .command(engine)
      .description(description)
      .argument('<files...>', 'files and folders of YAML or JSON; - is standard input')
      .addHelpText(
        'after',
        `
Examples:
  curfew import ${engine} policies/ > curfew.yaml
  ${example}
`,
      )
      .action(async (names: readonly string[]) => {
        outcome.failure = 2;
        const { importPolicies } = await import('../import-policies.ts');
        outcome.code = await importPolicies(engine, names, io);
      });
  }
}
