/**
 * The chart with real Helm, 3 and 4, on a real API server. Pods run nowhere here: what a replica publishes is published by
 * a process on this machine with the chart's own account.
 */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../scripts/run-program.ts';
import { findTools } from '../scripts/tools.ts';
import { issueCertificateAuthority } from '../src/certificates/issue.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { asString, member, valueAt } from '../src/objects/json.ts';
import { ENTRIES } from '../src/review/entries.ts';
import { IS_LONG } from '../test/long.ts';
import { CHART_FOLDER, RELEASE_NAMESPACE } from './chart.ts';
import { listPolicies, renderArguments } from './chart-policies.ts';
import { waitUntil } from './installed-curfew.ts';
import { isPublished, publishedParts, publishOnce, readWebhooks } from './replica.ts';
import { pod, startTestCluster, type TestCluster, tokenSecret } from './test-cluster.ts';

const NOTES = join(import.meta.dirname, '..', 'test', 'chart', 'golden', 'notes-default-values.txt');
const OPTIONAL = ENTRIES.filter(({ onlyIf }) => onlyIf !== undefined);
const SWITCHES = [...new Set(OPTIONAL.map(({ onlyIf }) => `config.${onlyIf}`))];
const CONFIGURATIONS = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
/** Policies take the API server long, on a machine with other work. */
const HELM_LIMIT_MS = 300_000;
const SELECTOR = 'app.kubernetes.io/name=curfew';
const OWNED_KINDS = `${CONFIGURATIONS},clusterroles,clusterrolebindings`;

describe.each(['helm', 'helm3'] as const)('%s', (name) => {
  let cluster: TestCluster;
  let binary = '';

  beforeAll(async () => {
    binary = (await findTools([name]))[name];
    cluster = await startTestCluster();
  });
  afterAll(async () => {
    await cluster.controlPlane.stop();
  });

  it('installs, says what is in force, and an image that never starts denies nothing anywhere', async () => {
    const namespace = await cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const printed = await helm(['install', 'curfew', CHART_FOLDER, '--create-namespace']);
    expect(printed.split('NOTES:\n')[1]?.trim()).toBe(readFileSync(NOTES, 'utf8').trim());
    await cluster.must(['label', 'namespace', namespace, '--overwrite', 'curfew.dev/enforce=off']);
    const everybody = ['--clusterrole=cluster-admin', '--group=system:authenticated'];
    await cluster.must(['create', 'clusterrolebinding', 'everybody', ...everybody, '--dry-run=server']);
    for (const object of [tokenSecret('never-ends', 'web'), pod('web')]) {
      for (const where of [namespace, 'default', 'kube-system', RELEASE_NAMESPACE]) {
        const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web' } };
        const { code, stderr } = await cluster.kubectl.apply([account, object], ['--server-side', '-n', where]);
        expect({ where, code, stderr }).toEqual({ where, code: 0, stderr: '' });
      }
    }
    await cluster.must(['delete', 'secret,pod', '--all', '-n', 'default', '--wait=false']);
  });

  it('upgrades with and without a change, and leaves what was published', async () => {
    await publishOnce(cluster);
    const before = await readWebhooks(cluster);
    await upgrade([]);
    expect(await readWebhooks(cluster)).toEqual(before);
    await upgrade(['config.excludedNamespaces={platform}', 'replicas=3']);
    const after = await readWebhooks(cluster);
    expect(publishedParts(after)).toEqual(publishedParts(before));
    expect(JSON.stringify(after.get('ValidatingWebhookConfiguration pods.curfew.dev'))).toContain('"platform"');
  });

  it('in an emergency lets everything through by one value, while no replica is up, and takes it back', async () => {
    await publishOnce(cluster);
    const namespace = await cluster.createNamespace();
    const before = await readWebhooks(cluster);
    const make = async (pod: string) => await tryPod(namespace, pod);
    expect(await make('refused')).toMatchObject({ code: 1, stderr: expect.stringContaining('failed calling webhook') });

    const set = ['upgrade', 'curfew', CHART_FOLDER, '--reuse-values', '--set'];
    expect(await helm([...set, 'failurePolicy=Ignore'])).toContain('EMERGENCY: every webhook fails open');
    const open = await readWebhooks(cluster);
    expect(new Set([...open.values()].map((webhook) => member(webhook, 'failurePolicy')))).toEqual(new Set(['Ignore']));
    expect(publishedParts(open)).toEqual(publishedParts(before));
    await waitUntil('the API server has heard of it', async () => (await make('admitted')).code === 0);

    await helm([...set, 'failurePolicy=']);
    expect(await readWebhooks(cluster)).toEqual(before);
    const { code, stderr } = await runHelm([...set, 'failurePolicy=Fail'], RELEASE_NAMESPACE);
    expect(code).toBe(1);
    expect(stderr).toContain("at '/failurePolicy': value must be one of '', 'Ignore'");
  });

  it('after the configurations were deleted makes them again, and they match nothing until a replica is ready', async () => {
    await cluster.must(['delete', CONFIGURATIONS, '--selector', 'app.kubernetes.io/name=curfew']);
    const namespace = await cluster.createNamespace();
    expect((await tryPod(namespace, 'web')).code).toBe(0);
    await upgrade([]);
    const again = await readWebhooks(cluster);
    expect(again.size).toBeGreaterThan(5);
    expect([...again.values()].filter(isPublished)).toEqual([]);
  });

  it.each(SWITCHES)('switches %s on, off and on again, with a replica publishing in between', async (value) => {
    await upgrade([]);
    await publishOnce(cluster);
    const without = await readWebhooks(cluster);
    await upgrade([`${value}=true`]);
    await publishOnce(cluster);
    const on = await readWebhooks(cluster);
    expect([...on.keys()].filter((key) => !without.has(key))).toEqual(
      OPTIONAL.filter(({ onlyIf }) => `config.${onlyIf}` === value).map(toKey),
    );
    await upgrade([`${value}=false`]);
    expect(publishedParts(await readWebhooks(cluster))).toEqual(publishedParts(without));
    await publishOnce(cluster);
    await upgrade([`${value}=true`]);
    const again = await readWebhooks(cluster);
    // What came back is as on the first day: it matches nothing until it is published.
    expect([...again].filter(([, webhook]) => !isPublished(webhook)).map(([key]) => key)).toEqual(
      [...again.keys()].filter((key) => !without.has(key)),
    );
    await publishOnce(cluster);
    expect(await readWebhooks(cluster)).toEqual(on);
    await helm(['rollback', 'curfew', '1']);
    expect(publishedParts(await readWebhooks(cluster))).toEqual(publishedParts(without));
  });

  it('switches the engine: policies behind the webhook, policies alone, the webhook again', async () => {
    await upgrade([]);
    await publishOnce(cluster);
    const webhooks = await readWebhooks(cluster);
    // Of two checks: the API server compiles each policy, and all of them for a long time.
    await upgradeWithPolicies(['long-lived-token-secret', 'token-lifetime'], ['--set', 'engine=both']);
    const behind = ['long-lived-token-secret', 'token-lifetime'].map((id) => `${id}.enforce.curfew.dev`);
    expect(await listPolicies(cluster)).toEqual(behind);
    expect(publishedParts(await readWebhooks(cluster))).toEqual(publishedParts(webhooks));

    await upgrade(['engine=native']);
    const alone = await listPolicies(cluster);
    expect(alone).toEqual(
      expect.arrayContaining([...behind, 'token-lifetime.warn.curfew.dev', 'pods.mutate.curfew.dev']),
    );
    expect((await readWebhooks(cluster)).size).toBe(0);
    const kinds = 'deployments,services,configmaps,serviceaccounts,roles,rolebindings,poddisruptionbudgets';
    expect(await cluster.must(['get', kinds, '-n', RELEASE_NAMESPACE, '-l', SELECTOR, '-o', 'name'])).toBe('');
    expect(await cluster.must(['get', 'clusterroles,clusterrolebindings', '-l', SELECTOR, '-o', 'name'])).toBe('');
    const namespace = await cluster.createNamespace();
    await waitUntil('the policies deny', async () => {
      const { stderr } = await cluster.kubectl.apply(tokenSecret('ci', 'web'), ['-n', namespace, '--dry-run=server']);
      return stderr.includes("ValidatingAdmissionPolicy 'long-lived-token-secret.enforce.curfew.dev'");
    });
    const { code, stderr } = await runHelm(['install', 'second', CHART_FOLDER, '--create-namespace'], 'other');
    expect(code).toBe(1);
    expect(stderr).toMatch(/ValidatingAdmissionPolicy "[^"]+" is of release "curfew" in namespace "curfew-system"/);

    await upgrade(['engine=webhook', 'native.policies=', 'config.checks=null']);
    expect(await listPolicies(cluster)).toEqual([]);
    const again = await readWebhooks(cluster);
    expect([...again.keys()]).toEqual([...webhooks.keys()]);
    expect([...again.values()].filter(isPublished)).toEqual([]);
  });

  it.runIf(IS_LONG)('installs every policy that it ships, and every one of your own', async () => {
    await upgrade(['engine=native']);
    const shipped = await listPolicies(cluster);
    expect(shipped.length).toBeGreaterThan(50);
    await upgradeWithPolicies(CHECKS.map(({ id }) => id).slice(1), []);
    expect((await listPolicies(cluster)).length).toBeLessThan(shipped.length);
    // Of the megabyte that a Secret may have: what the chart ships, what is given, and what was installed.
    expect(await sizeOfRelease()).toBeLessThan(500_000);
    await upgrade(['engine=webhook', 'native.policies=', 'config.checks=null']);
    expect(await listPolicies(cluster)).toEqual([]);
  });

  it('hands rules and CA bundle over to the chart, and takes them back', async () => {
    await upgrade([]);
    await publishOnce(cluster);
    const now = Date.now();
    const { cert } = await issueCertificateAuthority({ commonName: 'own', notBefore: now, notAfter: now + 3_600_000 });
    const folder = await mkdtemp(join(tmpdir(), 'curfew-helm-'));
    const file = join(folder, 'ca.crt');
    await writeFile(file, cert);
    const toChart = ['upgrade', 'curfew', CHART_FOLDER, '--reset-then-reuse-values'];
    toChart.push('--set', 'webhook.publishedBy=chart,certificates.mode=provided');
    toChart.push('--set', 'certificates.provided.existingSecret=serving', '--set-file', `webhook.caBundle=${file}`);
    if (name === 'helm') {
      const { code, stderr } = await runHelm(toChart, RELEASE_NAMESPACE);
      expect({ code, isConflict: stderr.includes('conflicts with "curfew"') }).toEqual({ code: 1, isConflict: true });
      toChart.push('--force-conflicts');
    }
    await helm(toChart);
    const handed = [...(await readWebhooks(cluster)).values()];
    const bundles = new Set(handed.map((webhook) => valueAt(webhook, ['clientConfig', 'caBundle'])));
    expect([...bundles]).toEqual([Buffer.from(cert.trim()).toString('base64')]);
    expect(handed.every(isPublished)).toBe(true);
    await helm(['upgrade', 'curfew', CHART_FOLDER, '--reset-values']);
    expect([...(await readWebhooks(cluster)).values()].some(isPublished)).toBe(false);
    await publishOnce(cluster);
    await helm(['upgrade', 'curfew', CHART_FOLDER, '--reset-values']);
    expect([...(await readWebhooks(cluster)).values()].every(isPublished)).toBe(true);
    await rm(folder, { recursive: true });
  });

  it.each([
    ['of the same name', 'curfew', []],
    ['of another name', 'second', []],
    ['with names of its own', 'second', ['--set', 'fullnameOverride=guard']],
  ])('refuses a second release %s in another namespace, with a sentence', async (_which, release, args) => {
    const { code, stderr } = await runHelm(['install', release, CHART_FOLDER, '--create-namespace', ...args], 'other');
    expect(code).toBe(1);
    expect(stderr.trim().split(/validate\.yaml:\d+:\d+\): /)[1]).toBe(
      'Curfew is in this cluster already: ValidatingWebhookConfiguration "curfew" is of release "curfew" in namespace "curfew-system". Two would judge every object twice, each by its own configuration. Upgrade that release, or remove it first: helm uninstall curfew --namespace curfew-system; if it is gone and only this is left: kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration curfew',
    );
  });

  it('uninstalls and leaves nothing that is in no namespace, so that another release may come', async () => {
    await helm(['uninstall', 'curfew']);
    expect(await cluster.must(['get', OWNED_KINDS, '-l', 'app.kubernetes.io/name=curfew', '-o', 'name'])).toBe('');
    const second = ['install', 'second', CHART_FOLDER, '--create-namespace', '--set', 'engine=both'];
    const { code, stderr } = await runHelm(second, 'other');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect((await listPolicies(cluster)).length).toBeGreaterThan(10);
    expect((await runHelm(['uninstall', 'second'], 'other')).code).toBe(0);
    expect(await listPolicies(cluster)).toEqual([]);
  });

  it('refuses to stand beside the plain manifests', async () => {
    const manifest = join(import.meta.dirname, '..', 'deploy', 'curfew.yaml');
    await cluster.must(['apply', '-f', manifest]);
    const { code, stderr } = await runHelm(['install', 'second', CHART_FOLDER, '--create-namespace'], 'other');
    expect(code).toBe(1);
    expect(stderr.trim().split(/validate\.yaml:\d+:\d+\): /)[1]).toBe(
      'Curfew is in this cluster already: ValidatingWebhookConfiguration "curfew", which Helm did not install. Two would judge every object twice, each by its own configuration. Remove that one first: kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration curfew',
    );
    await cluster.must(['delete', '-f', manifest, '--wait=false']);
  });

  async function upgradeWithPolicies(checks: readonly string[], more: readonly string[]): Promise<void> {
    const { folder, args } = await renderArguments(checks);
    await helm(['upgrade', 'curfew', CHART_FOLDER, '--reset-then-reuse-values', ...args, ...more]);
    await rm(folder, { recursive: true });
  }

  /** Bytes of the Secret in which Helm keeps what it did last. */
  async function sizeOfRelease(): Promise<number> {
    const list = await cluster.must([
      'get',
      'secrets',
      '-n',
      RELEASE_NAMESPACE,
      '-l',
      'owner=helm,status=deployed',
      '-o',
      'json',
    ]);
    const release = valueAt(JSON.parse(list), ['items', 0, 'data', 'release']);
    return Buffer.from(asString(release) ?? '', 'base64').length;
  }

  /** Asks for a pod without making it. */
  async function tryPod(namespace: string, name: string) {
    return await cluster.kubectl.apply(pod(name), ['-n', namespace, '--dry-run=server', '--server-side']);
  }

  async function upgrade(settings: readonly string[]): Promise<void> {
    const set = settings.flatMap((setting) => ['--set', setting]);
    await helm(['upgrade', 'curfew', CHART_FOLDER, '--reset-then-reuse-values', ...set]);
  }

  async function helm(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runHelm(args, RELEASE_NAMESPACE);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  async function runHelm(args: readonly string[], namespace: string) {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    return await runProgram(binary, [...args, '--namespace', namespace], { env, timeoutMs: HELM_LIMIT_MS });
  }
});

function toKey({ type, name }: (typeof ENTRIES)[number]): string {
  return `${type === 'validating' ? 'Validating' : 'Mutating'}WebhookConfiguration ${name}`;
}
