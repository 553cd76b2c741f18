/** People of different rights who change namespaces, in all the ways there are. */

import type { ProgramResult } from '../scripts/run-program.ts';
import type { TestCluster } from './test-cluster.ts';

/** May edit namespaces in every way; who may do more is the test's matter. */
export type Person = 'alice' | 'bob' | 'carol' | 'dave';
const PEOPLE: readonly Person[] = ['alice', 'bob', 'carol', 'dave'];

const EDITOR = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'test-editor' },
  rules: [
    {
      apiGroups: [''],
      resources: ['namespaces', 'namespaces/status', 'namespaces/finalize', 'serviceaccounts'],
      verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
    },
  ],
};

export async function createPeople({ must }: TestCluster): Promise<void> {
  await must(['apply', '-f', '-'], EDITOR);
  for (const person of PEOPLE) await bindRole({ must }, person, EDITOR.metadata.name);
}

export async function bindRole({ must }: Pick<TestCluster, 'must'>, person: Person, role: string): Promise<void> {
  const name = `test-${person}-${role}`;
  await must(['create', 'clusterrolebinding', name, `--clusterrole=${role}`, `--user=${person}`]);
}

export type Change = {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly as?: Person;
};

/** Sets labels of a namespace in one of the ways there are. */
export async function changeLabels(
  cluster: TestCluster,
  way: string,
  { namespace, labels, as }: Change,
): Promise<ProgramResult> {
  const options = as === undefined ? {} : { as };
  const metadata = { name: namespace, labels };
  switch (way) {
    case 'label': {
      const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      return await cluster.kubectl.run(['label', 'namespace', namespace, '--overwrite', ...pairs], options);
    }
    case 'status': {
      const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ metadata: { labels } })];
      return await cluster.kubectl.run(['patch', 'namespace', namespace, ...patch], options);
    }
    case 'finalize': {
      const stored = JSON.parse(await cluster.must(['get', 'namespace', namespace, '-o', 'json']));
      const input = JSON.stringify({
        ...stored,
        metadata: { ...stored.metadata, labels: { ...stored.metadata.labels, ...labels } },
      });
      const path = `/api/v1/namespaces/${namespace}/finalize`;
      return await cluster.kubectl.run(['replace', '--raw', path, '-f', '-'], { ...options, input });
    }
    default: {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata };
      return await cluster.kubectl.apply(object, ['--server-side', '--force-conflicts'], options);
    }
  }
}

/** `kubectl label namespace NAME --overwrite CHANGE`, by the administrator if by nobody else. */
export async function labelNamespace(
  cluster: TestCluster,
  namespace: string,
  {
    change,
    as,
    more = [],
  }: { readonly change: string; readonly as?: Person | undefined; readonly more?: readonly string[] },
): Promise<ProgramResult> {
  const args = ['label', 'namespace', namespace, '--overwrite', change, ...more];
  return await cluster.kubectl.run(args, as === undefined ? {} : { as });
}

export async function createAs(cluster: TestCluster, as: Person, object: object): Promise<ProgramResult> {
  return await cluster.kubectl.run(['create', '-f', '-'], { input: JSON.stringify(object), as });
}

export async function readLevelLabel(cluster: TestCluster, namespace: string, mode: string): Promise<string> {
  const path = `jsonpath={.metadata.labels.curfew\\.dev/${mode}}`;
  return await cluster.must(['get', 'namespace', namespace, '-o', path]);
}
