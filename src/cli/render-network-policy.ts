/** `curfew render network-policy`: what keeps pods without an API token from the API server, to be read before it is applied. */

import { listAll } from '../kube/list-all.ts';
import { readManifests } from '../manifests/read-manifests.ts';
import { NETWORK_POLICY_LIMITS, renderNetworkPolicies } from '../native/network-policy.ts';
import { asString, member, valueAt } from '../objects/json.ts';
import { VERSION } from '../version.ts';
import { findApiServerBlocks, toBlock } from './api-server-blocks.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import { connectCluster } from './connect-cluster.ts';
import { readInputs } from './input-files.ts';
import { toYaml } from './render-policies.ts';

export type NetworkPolicyCommandOptions = {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  /** Addresses and blocks; undefined to ask the cluster. */
  readonly apiServer?: readonly string[];
};

/** Nothing is patched there, so no pod has the label. */
const LEFT_ALONE: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @throws Error with a sentence, also where there is no namespace */
export async function renderNetworkPolicyFile(
  files: readonly string[],
  options: NetworkPolicyCommandOptions,
  io: CommandIo,
): Promise<string> {
  const { configuration } = await loadConfigurationFile(options.config);
  if (files.length > 0 && options.apiServer === undefined) {
    throw new Error('files do not say where the API server is: name its addresses with --api-server');
  }
  const namespaces = await findNamespaces(files, options, io);
  const left = namespaces.filter((name) => !LEFT_ALONE.includes(name) && !configuration.excludedNamespaces.has(name));
  if (left.length === 0) throw new Error('there is no namespace to write a policy for');
  const blocks =
    options.apiServer?.map(toBlock) ?? (await findApiServerBlocks(await connectCluster(options), io.signal));
  const head = [
    `Network policies that keep pods without an API token from the API server, written by curfew ${VERSION} (curfew render network-policy).`,
    `Its addresses: ${blocks.join(', ')}. Read this before you apply it:`,
    ...NETWORK_POLICY_LIMITS.map((limit) => `- ${limit}`),
  ];
  const policies = renderNetworkPolicies({ namespaces: left.toSorted(), blocks: [...new Set(blocks)] });
  return `${head.map((line) => `# ${line}\n`).join('')}${toYaml(policies)}`;
}

async function findNamespaces(
  files: readonly string[],
  options: NetworkPolicyCommandOptions,
  io: CommandIo,
): Promise<readonly string[]> {
  if (options.namespace !== undefined) return [options.namespace];
  if (files.length === 0) return await listNamespaces(options, io.signal);
  const { sources, faults } = await readInputs(files, io);
  const read = sources.map(({ file, text }) => readManifests(text, file));
  const [fault] = [...faults, ...read.flatMap((one) => one.faults)];
  if (fault !== undefined) throw new Error(`${fault.file}:${fault.line}:${fault.column}: ${fault.message}`);
  const names = read
    .flatMap(({ manifests }) => manifests)
    .map(({ object }) =>
      asString(valueAt(object, ['metadata', member(object, 'kind') === 'Namespace' ? 'name' : 'namespace'])),
    );
  return [...new Set(names)].filter((name) => name !== undefined && NAMESPACE.test(name)) as readonly string[];
}

async function listNamespaces(options: NetworkPolicyCommandOptions, signal: AbortSignal): Promise<readonly string[]> {
  const client = await connectCluster(options);
  const names: string[] = [];
  for await (const page of listAll(client, { path: '/api/v1/namespaces' }, signal)) {
    names.push(...page.flatMap((namespace) => asString(valueAt(namespace, ['metadata', 'name'])) ?? []));
  }
  return names;
}
