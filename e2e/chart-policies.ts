/** The policies of an installed chart, and values with policies of one's own. */

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKS } from '../src/checks/registry.ts';
import { renderPoliciesFile } from '../src/cli/render-policies.ts';
import { RELEASE_NAMESPACE } from './chart.ts';
import type { TestCluster } from './test-cluster.ts';

const SELECTOR = 'app.kubernetes.io/component=native-policies';

/** Arguments of Helm for policies that are rendered of these checks alone, in a folder of their own. */
export async function renderArguments(checks: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-helm-'));
  const [values, policies] = [join(folder, 'values.json'), join(folder, 'policies.yaml')];
  const off = CHECKS.filter(({ id }) => !checks.includes(id)).map(({ id }) => [id, { mode: 'off' }]);
  await writeFile(values, JSON.stringify({ config: { checks: Object.fromEntries(off) } }));
  const options = { engine: 'native', nodeTokens: 'off', kubernetes: '1.36', namespace: RELEASE_NAMESPACE } as const;
  await writeFile(policies, await renderPoliciesFile({ ...options, values }, Date.now()));
  return { folder, args: ['--values', values, '--set-file', `native.policies=${policies}`] };
}

/** Names of the policies that the chart has made. Throws unless each has a binding of the same name. */
export async function listPolicies({ must }: Pick<TestCluster, 'must'>): Promise<readonly string[]> {
  const namesOf = async (kinds: string) => {
    const lines = await must(['get', kinds, '-l', SELECTOR, '-o', 'name']);
    return lines.split('\n').flatMap((line) => line.split('/')[1] ?? []);
  };
  const names = await namesOf('validatingadmissionpolicies,mutatingadmissionpolicies');
  const bindings = await namesOf('validatingadmissionpolicybindings,mutatingadmissionpolicybindings');
  if (bindings.join(' ') !== names.join(' '))
    throw new Error(`bindings ${bindings.join(' ')}, policies ${names.join(' ')}`);
  return names;
}
