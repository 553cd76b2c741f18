/** `curfew render`: what the cluster itself can do, as manifests to be read and applied. */

import { type Command, Option } from 'commander';
import { NODE_TOKEN_MODES, POLICY_ENGINES } from '../../native/native-options.ts';
import type { NetworkPolicyCommandOptions } from '../render-network-policy.ts';
import type { RenderPoliciesOptions } from '../render-policies.ts';
import type { CommandContext, CommandIo } from './context.ts';
import {
  createAllNamespacesOption,
  createContextOption,
  createKubeconfigOption,
  createLevelOption,
  createNamespaceOption,
} from './options.ts';

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
  curfew render network-policy > network-policies.yaml
`,
    );
  addNetworkPolicy(render, io);
  render
    .command('policies')
    .description('Write the rules as admission policies of Kubernetes itself, and what only the webhook can do.')
    .addOption(new Option('--config <file>', 'configuration file; default: every default').conflicts('values'))
    .option('--values <file>', 'values of the chart, of which config is the configuration')
    .addOption(
      new Option('--engine <engine>', 'native: policies alone; both: policies that deny, behind the webhook')
        .choices([...POLICY_ENGINES])
        .default('native'),
    )
    .addOption(createLevelOption())
    .addOption(
      new Option('--kubernetes <version>', 'oldest version that they are for')
        .choices(KUBERNETES_VERSIONS)
        .default(KUBERNETES_VERSIONS.at(-1)),
    )
    .option('--namespace <name>', 'namespace Curfew runs in, which is left alone', 'curfew-system')
    .addOption(
      new Option(
        '--node-tokens <mode>',
        'of what kubelets ask for: audit: annotations; enforce: denials too, which keep pods from starting',
      )
        .choices([...NODE_TOKEN_MODES])
        .default('off'),
    )
    .addHelpText(
      'after',
      `
Examples:
  curfew render policies --config curfew.yaml > policies.yaml
  curfew render policies --values values.yaml --engine both > policies.yaml
  curfew render policies --kubernetes 1.33 | kubectl apply --server-side -f -
`,
    )
    .action(async (options: RenderPoliciesOptions) => {
      const { renderPoliciesFile } = await import('../render-policies.ts');
      io.write(await renderPoliciesFile(options, Date.now()));
    });
}

function addNetworkPolicy(render: Command, io: CommandIo): void {
  render
    .command('network-policy')
    .description('Write network policies that keep pods without an API token from the API server.')
    .argument(
      '[files...]',
      'manifests whose namespaces are meant, or - for standard input; default: those of the cluster',
    )
    .option('--config <file>', 'configuration file, for the namespaces it leaves alone; default: every default')
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .addOption(createNamespaceOption())
    .addOption(createAllNamespacesOption())
    .option(
      '--api-server <address...>',
      'addresses of the API server, or blocks of them; default: what the cluster says',
    )
    .addHelpText(
      'after',
      `
Examples:
  curfew render network-policy > network-policies.yaml
  curfew render network-policy --namespace shop | kubectl apply --dry-run=server -f -
  curfew render network-policy deploy/ --api-server 192.0.2.10 10.96.0.1 > network-policies.yaml
`,
    )
    .action(async (files: readonly string[], options: NetworkPolicyCommandOptions) => {
      const { renderNetworkPolicyFile } = await import('../render-network-policy.ts');
      io.write(await renderNetworkPolicyFile(files, options, io));
    });
}
