/**
 * The chart before a real API server, with its defaults and with each file of values in `ci/`: everything is valid, without
 * a warning, and its pods are let into a namespace of the restricted Pod Security level.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';
import { CHART_FOLDER, RELEASE_NAMESPACE, renderChart, TASK_NAMESPACE } from './chart.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';
import { untilEstablished } from './workloads.ts';

const VALUES = join(CHART_FOLDER, 'ci');
const CASES = [undefined, ...readdirSync(VALUES)];
/** Without pods. */
const NATIVE = 'native-values.yaml';
const HOST_NETWORK = 'host-network-values.yaml';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  };
  const metadata = { name: RELEASE_NAMESPACE, labels };
  await cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata });
  // The chart makes it, and a dry run leaves nothing for what goes into it.
  await cluster.kubectl.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: TASK_NAMESPACE } });
  await installOperatorKinds();
  await installCertManagerKinds();
});
afterAll(async () => {
  await cluster.controlPlane.stop();
});

describe.each(CASES.map((file) => ({ name: file ?? 'default values', file })))('With $name', ({ file }) => {
  it('the API server takes every object, and has nothing to say about any', async () => {
    const items = await renderCase(file);
    const { code, stdout, stderr } = await cluster.kubectl.apply(items, ['--dry-run=server', '--validate=strict']);
    // The template of a Deployment is only warned about; its pods are what is refused.
    expect({ code, stderr: withoutHostNetwork(file, stderr) }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n').length).toBe(items.length);
  });

  it.skipIf(file === NATIVE)('its pods are those of the restricted Pod Security level', async () => {
    const { stderr } = await cluster.kubectl.apply(podOf(await renderCase(file)), ['--dry-run=server']);
    expect(withoutHostNetwork(file, stderr)).toBe('');
  });
});

describe('An object of cert-manager', () => {
  it.each([
    [
      'a field that it does not have',
      (spec: JsonObject) => ({ ...spec, dnsName: 'curfew' }),
      'unknown field "spec.dnsName"',
    ],
    ['no issuer', ({ issuerRef: _none, ...spec }: JsonObject) => spec, 'spec.issuerRef: Required value'],
  ])('is held against its own kind: one with %s is refused', async (_what, change, words) => {
    const items = await renderCase('cert-manager-values.yaml');
    const certificate = items.find((item) => valueAt(item, ['metadata', 'name']) === 'curfew-serving');
    const spec = change(member(certificate, 'spec') as JsonObject);
    const { code, stderr } = await cluster.kubectl.apply({ ...certificate, spec }, [
      '--dry-run=server',
      '--validate=strict',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(words);
  });
});

describe('The restricted Pod Security level', () => {
  it('is in force here: a pod that may run as root is refused', async () => {
    const pod = podOf(await renderCase(undefined));
    const spec = { ...(member(pod, 'spec') as JsonObject), securityContext: {} };
    const { code, stderr } = await cluster.kubectl.apply({ ...pod, spec }, ['--dry-run=server']);
    expect(code).toBe(1);
    expect(stderr).toContain('violates PodSecurity "restricted:latest": runAsNonRoot != true');
  });
});

/** The kinds of the Prometheus Operator, by name: what it makes of their specs is not the API server's matter. */
async function installOperatorKinds(): Promise<void> {
  for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule']) {
    const [group, singular] = ['monitoring.coreos.com', kind.toLowerCase()];
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await cluster.must(['create', '-f', '-'], {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${singular}s.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind, singular, plural: `${singular}s` },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    await untilEstablished(cluster, `crd/${singular}s.${group}`);
  }
}

async function installCertManagerKinds(): Promise<void> {
  const text = readFileSync(join(import.meta.dirname, 'cert-manager-kinds.yaml'), 'utf8');
  const kinds = parseAllDocuments(text).map((document): unknown => document.toJS());
  for (const kind of kinds.filter(isObject)) {
    await cluster.must(['create', '-f', '-'], kind);
    await untilEstablished(cluster, `crd/${asString(valueAt(kind, ['metadata', 'name']))}`);
  }
}

/** The node's network, and ports on it, are what that level refuses first; nothing else of such a pod may be. */
function withoutHostNetwork(file: string | undefined, stderr: string): string {
  if (file !== HOST_NETWORK) return stderr;
  expect(stderr).toMatch(/violates? PodSecurity "restricted:latest": host namespaces \(hostNetwork=true\)/);
  expect(stderr).not.toMatch(/restricted:latest".*(runAsNonRoot|capabilities|seccomp|escalation|volume|runAsUser)/i);
  return '';
}

async function renderCase(file: string | undefined): Promise<readonly JsonObject[]> {
  const values: unknown = file === undefined ? {} : parse(readFileSync(join(VALUES, file), 'utf8'));
  return await renderChart(isObject(values) ? values : {});
}

/** A pod as the Deployment's ReplicaSet would make it. Its service account is not there on a dry run: the default is. */
function podOf(objects: readonly JsonObject[]): JsonObject {
  const deployment = objects.find((object) => member(object, 'kind') === 'Deployment');
  const template = valueAt(deployment, ['spec', 'template']);
  const metadata = {
    labels: valueAt(template, ['metadata', 'labels']),
    name: 'curfew-0',
    namespace: RELEASE_NAMESPACE,
  };
  const spec = member(template, 'spec');
  if (!isObject(spec) || asArray(member(spec, 'containers')).length === 0) throw new Error('the chart renders no pod');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata as JsonObject,
    spec: { ...spec, serviceAccountName: 'default' },
  };
}
