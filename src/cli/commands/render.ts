/** `curfew render`: what the cluster itself can do, as manifests to be read and applied. */

import { type Command, Option } from 'commander';
import type { RenderPoliciesOptions } from '../render-policies.ts';
import type { CommandContext } from './context.ts';
import { createLevelOption } from './options.ts';

/** Minor versions of Kubernetes that `v1` policies are rendered for. */
export const KUBERNETES_VERSIONS = [30, 31, 32, 33, 34, 35, 36, 37].map((minor) => `1.${minor}`);

export function addRender(program: Command, { io }: CommandContext): void {
  const render = program
    .command('render')
    .description('Write what Kubernetes can enforce by itself, as manifests.')
    .addHelpText(
      'after',
      `
Examples:
  curfew render policies > policies.yaml
`,
    );
  render
    .command('policies')
    .description('Write the rules as admission policies of Kubernetes itself, and what only the webhook can do.')
    .option('--config <file>', 'configuration file; default: every default')
    .addOption(createLevelOption())
    .addOption(
      new Option('--kubernetes <version>', 'oldest version that they are for')
        .choices(KUBERNETES_VERSIONS)
        .default(KUBERNETES_VERSIONS.at(-1)),
    )
    .option('--namespace <name>', 'namespace Curfew runs in, which is left alone', 'curfew-system')
    .addHelpText(
      'after',
      `
Examples:
  curfew render policies --config curfew.yaml > policies.yaml
  curfew render policies --kubernetes 1.33 | kubectl apply --server-side -f -
`,
    )
    .action(async (options: RenderPoliciesOptions) => {
      const { renderPoliciesFile } = await import('../render-policies.ts');
      io.write(await renderPoliciesFile(options, Date.now()));
    });
}
