import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { auditCluster } from '../../../src/audit/audit-cluster.ts';
import { AuditReportSchema } from '../../../src/audit/audit-report.ts';
import { compareFindings } from '../../../src/audit/compare-findings.ts';
import { tryChange } from '../../../src/audit/try-change.ts';
import type { KubeRequest, KubeResponse } from '../../../src/kube/api.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { renderAuditTable } from '../../../src/reports/audit-table.ts';
import { configure } from '../judging.ts';

/** As the API server adds it. */
const TOKEN_VOLUME = {
  name: 'kube-api-access-abcde',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};
const MOUNT = { name: TOKEN_VOLUME.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
const STORED_SPEC = {
  serviceAccountName: 'web',
  automountServiceAccountToken: true,
  containers: [{ name: 'app', image: 'registry.example/a:1', volumeMounts: [MOUNT] }],
  volumes: [TOKEN_VOLUME],
};
const POD_SPEC = { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/a:1' }] };
const owner = (kind: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'a', uid: 'u', controller: true }],
});

const CLUSTER: Readonly<Record<string, readonly JsonObject[]>> = {
  '/api/v1/namespaces': [
    { metadata: { name: 'shop', labels: { 'curfew.dev/enforce': 'restricted' } } },
    { metadata: { name: 'other' } },
    { metadata: { name: 'kube-system' } },
  ],
  '/api/v1/serviceaccounts': [
    { metadata: { name: 'web', namespace: 'shop' }, automountServiceAccountToken: false },
    { metadata: { name: 'default', namespace: 'shop' } },
    { metadata: { name: 'web', namespace: 'other' } },
  ],
  '/api/v1/secrets': [
    {
      metadata: {
        name: 'old',
        namespace: 'other',
        creationTimestamp: '2020-01-01T00:00:00Z',
        annotations: { 'kubernetes.io/service-account.name': 'web' },
        labels: { 'kubernetes.io/legacy-token-last-used': '2026-11-01' },
      },
    },
    {
      metadata: {
        name: 'invalid',
        namespace: 'other',
        creationTimestamp: '2019-01-01T00:00:00Z',
        annotations: { 'kubernetes.io/service-account.name': 'web' },
        labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-10-01' },
      },
    },
  ],
  '/api/v1/pods': [
    {
      metadata: { name: 'bare', namespace: 'shop' },
      spec: STORED_SPEC,
      status: { phase: 'Running' },
    },
    {
      metadata: { name: 'made', namespace: 'shop', ...owner('ReplicaSet') },
      spec: STORED_SPEC,
    },
    {
      metadata: { name: 'ended', namespace: 'shop' },
      spec: STORED_SPEC,
      status: { phase: 'Succeeded' },
    },
  ],
  '/apis/apps/v1/deployments': [
    {
      metadata: { name: 'web', namespace: 'other' },
      spec: {
        template: { metadata: {}, spec: { ...POD_SPEC, volumes: [{ name: 'old', secret: { secretName: 'old' } }] } },
      },
    },
  ],
  '/apis/rbac.authorization.k8s.io/v1/rolebindings': [
    {
      metadata: { name: 'makers', namespace: 'shop' },
      roleRef: { kind: 'ClusterRole', name: 'hidden' },
      subjects: [
        { kind: 'Group', name: 'devs' },
        { kind: 'ServiceAccount', namespace: 'other', name: 'web' },
      ],
    },
  ],
  '/apis/rbac.authorization.k8s.io/v1/clusterroles': [
    {
      metadata: { name: 'cluster-admin', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    },
    {
      metadata: { name: 'hidden', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
      rules: [{ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] }],
    },
  ],
};

/** An API server that has these lists, a page of two at a time. */
function createApi(status: (path: string) => number = () => 200) {
  const asked: KubeRequest[] = [];
  const request = async (one: KubeRequest): Promise<KubeResponse> => {
    asked.push(one);
    const items = CLUSTER[one.path] ?? [];
    const code = status(one.path);
    if (code !== 200) return { status: code, body: { kind: 'Status', message: 'no' } };
    const from = Number(one.query?.['continue'] ?? 0);
    const next = from + 2 < items.length ? String(from + 2) : '';
    return { status: 200, body: { metadata: { continue: next }, items: items.slice(from, from + 2) } };
  };
  return { asked, client: { request } };
}

type Client = ReturnType<typeof createApi>['client'];

const USUAL = configure({ levels: { clusterScoped: { enforce: 'baseline' } } });
const FACTS = { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] };
const HOW = { signal: new AbortController().signal, now: Date.UTC(2026, 10, 26), release: 'curfew' };

async function audit(client: Client, namespace?: string, configuration = USUAL) {
  return await auditCluster({
    ...HOW,
    client,
    namespace,
    configuration,
    server: 'https://cluster.example:6443',
    limits: { measured: true, extendsTo: 31_536_000 },
    cluster: FACTS,
  });
}

const validate = new Ajv({ strict: false }).compile(AuditReportSchema);

describe('An audit', () => {
  it('says what would be refused of what is there, and which tokens never end', async () => {
    const report = await audit(createApi().client);
    validate(JSON.parse(JSON.stringify(report)));
    expect(validate.errors ?? []).toEqual([]);
    const file = (name: string) => join(import.meta.dirname, '../../golden/audit', name);
    await expect(renderAuditTable(report, { warnings: true })).toMatchFileSnapshot(file('table.txt'));
    await expect(`${JSON.stringify(report, undefined, 2)}\n`).toMatchFileSnapshot(file('report.json'));
  });

  it('asks for nothing of a Secret but the metadata of those that hold a token', async () => {
    const { asked, client } = createApi();
    await audit(client);
    const secrets = asked.filter(({ path }) => path.includes('secrets'));
    expect(secrets.length).toBeGreaterThan(0);
    for (const { accept, query } of secrets) {
      expect(accept).toBe('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
      expect(query).toMatchObject({ fieldSelector: 'type=kubernetes.io/service-account-token', limit: '500' });
    }
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  it('asks for everything once', async () => {
    const { asked, client } = createApi();
    await audit(client);
    const paths = asked.map(({ path, query }) => `${path} ${query?.['continue'] ?? ''}`);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
    expect(paths.length).toBeGreaterThan(20);
  });

  it('takes an API of Kubernetes itself that is not there for a fault, and not for an empty one', async () => {
    const report = await audit(createApi((path) => (path.endsWith('/rolebindings') ? 404 : 200)).client);
    expect(report.faults).toEqual([{ message: expect.stringContaining('/rolebindings cannot be listed: HTTP 404') }]);
    expect(report.access.complete).toBe(false);
  });

  it('of one namespace looks at nothing else', async () => {
    const { asked, client } = createApi();
    await audit(client, 'shop');
    const others = asked.filter(({ path }) => !path.includes('/namespaces/shop/'));
    expect([...new Set(others.map(({ path }) => path))]).toEqual([
      '/api/v1/namespaces',
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      '/apis',
      '/version',
    ]);
  });

  it('says what it could not list, and takes nothing for absent then', async () => {
    const report = await audit(createApi((path) => (path === '/api/v1/serviceaccounts' ? 403 : 200)).client);
    expect(report.faults).toEqual([{ message: expect.stringContaining('/api/v1/serviceaccounts cannot be listed: ') }]);
    expect(report.undecided.map(({ check }) => check)).toContain('pod-automount');
  });

  it('says who can obtain a token of whom as far as it can read, and of one namespace that it does not', async () => {
    const report = await audit(createApi((path) => (path.endsWith('/rolebindings') ? 403 : 200)).client);
    expect(report.access).toMatchObject({ complete: false, paths: [] });
    expect(report.faults.filter(({ message }) => message.includes('rolebindings'))).toHaveLength(1);
    const { access } = await audit(createApi().client, 'shop');
    expect(access).toMatchObject({ complete: false, reason: expect.stringContaining('all of them'), paths: [] });
  });

  it('needs no custom resource to be installed', async () => {
    const report = await audit(
      createApi((path) => (/jobset|argoproj|knative|leaderworker/.test(path) ? 404 : 200)).client,
    );
    expect(report.faults).toEqual([]);
  });
});

describe('A change of the configuration', () => {
  const STRICT = configure({ levels: { enforce: 'restricted', clusterScoped: { enforce: 'restricted' } } });
  const LAX = configure({ levels: { enforce: 'off', warn: 'restricted' } });

  async function change(client: Client, namespace?: string, after = STRICT) {
    const [before, changed] = [USUAL, after].map((configuration) => ({ configuration, cluster: FACTS }));
    if (before === undefined || changed === undefined) throw new Error('two were made');
    return await tryChange({ ...HOW, client, namespace, before, after: changed });
  }

  it.each([
    ['is more', undefined, STRICT, true],
    ['is less', undefined, LAX, true],
    ['is tried on one namespace', 'shop', STRICT, false],
    ['is none', undefined, USUAL, false],
  ])('changes what two audits differ in where it %s', async (_what, namespace, after, isChanging) => {
    const { client } = createApi();
    const [old, now] = [await audit(client, namespace), await audit(client, namespace, after)];
    const trial = await change(client, namespace, after);
    expect(trial.changes).toEqual(compareFindings(old, now));
    expect(trial.changes.length > 0).toBe(isChanging);
    const count = ({ summary: { denied, undecided } }: typeof old) => ({ denied, undecided });
    expect([trial.before, trial.after]).toEqual([count(old), count(now)]);
    expect({ judged: trial.judged, faults: trial.faults }).toEqual({ judged: now.summary.judged, faults: now.faults });
  });

  it('asks for everything once, and for nothing that others have but their mutating webhooks', async () => {
    const { asked, client } = createApi();
    await change(client);
    const paths = asked.map(({ path, query }) => `${path} ${query?.['continue'] ?? ''}`);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
    expect(paths.filter((path) => /admissionregistration|^\/apis |^\/version/.test(path))).toEqual([
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations ',
    ]);
  });

  it('says what could not be read', async () => {
    const { client } = createApi((path) => (path.endsWith('/deployments') ? 403 : 200));
    expect((await change(client)).faults).toEqual([
      { message: expect.stringContaining('/apis/apps/v1/deployments cannot be listed: '), resource: 'deployments' },
    ]);
  });
});
