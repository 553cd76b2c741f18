/** `curfew usage` of audit events, beside the cluster that they are of. */

import { asArray, asString, member } from '../src/objects/json.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import type { TestCluster } from './test-cluster.ts';

export type Usage = {
  /** Of each account, `namespace/name`, the kinds of tokens that it used. */
  readonly kinds: ReadonlyMap<string, readonly string[]>;
  /** `CALLER for NAMESPACE/ACCOUNT`. */
  readonly asked: readonly string[];
  /** Accounts whose pods hold a token and never called. */
  readonly silent: readonly string[];
};

/** What it says as JSON; throws with its words if it is no success. */
export async function readUsage(cluster: TestCluster, events: readonly unknown[]): Promise<Usage> {
  const report: unknown = JSON.parse(await ask(cluster, events, 'json'));
  return {
    kinds: new Map(asArray(member(report, 'accounts')).map((one) => [toName(one), listKinds(one)])),
    asked: asArray(member(report, 'tokenRequests')).map(
      (one) => `${asString(member(one, 'caller'))} for ${asString(member(one, 'account'))}`,
    ),
    silent: asArray(member(report, 'silent')).map(toName),
  };
}

/** Has the API server look at the manifests that it writes; warnings are left out. */
export async function applyUsage(
  cluster: TestCluster,
  events: readonly unknown[],
): Promise<{ readonly code: number; readonly stderr: string }> {
  const input = await ask(cluster, events, 'manifests');
  if (!input.includes('kind: ServiceAccount')) throw new Error('there is nothing to apply');
  const { code, stderr } = await cluster.kubectl.run(['apply', '--dry-run=server', '-f', '-'], { input });
  return { code, stderr: stderr.replaceAll(/^Warning: .*\n/gm, '') };
}

async function ask(cluster: TestCluster, events: readonly unknown[], output: string): Promise<string> {
  const input = events.map((event) => JSON.stringify(event)).join('\n');
  const beside = ['--cluster', '--kubeconfig', cluster.kubeconfig];
  const { code, out, error } = await runWith({ input }, 'usage', '--output', output, ...beside, '--audit-log', '-');
  if (code !== 0) throw new Error(error);
  return out;
}

function toName(one: unknown): string {
  return `${asString(member(one, 'namespace'))}/${asString(member(one, 'name'))}`;
}

function listKinds(account: unknown): readonly string[] {
  return Object.entries(member(account, 'tokens') ?? {}).flatMap(([kind, count]) => (count > 0 ? [kind] : []));
}
