import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { AWS_ROLE, DAY_SECONDS, injectAsAws, injectAsAzure, injectAsGoogle } from './foreign-injectors.ts';
import { type ForeignMutation, startSidecarWebhook } from './sidecar-webhook.ts';
import { setUpSuite } from './suite.ts';
import { pod } from './test-cluster.ts';
import { serviceAccount } from './token-asks.ts';

const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/p/providers/q';

/** Curfew injects what AWS and Google are asked for, although their webhooks are there; Azure's is not its business. */
const suite = setUpSuite({
  levels: { warn: 'off' },
  mutateMode: 'apply',
  mutations: {
    'inject-token': { triggers: ['aws-irsa', 'gcp'], besideForeignWebhooks: ['aws-irsa', 'gcp'] },
  },
  // Left alone, clouds may have theirs for a day.
  checks: { 'token-lifetime': { audiences: { 'sts.amazonaws.com': 3600, 'api://AzureADTokenExchange': 3600 } } },
});

/** Levels at which longer tokens are shortened. */
const RESTRICTED = { 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' };

type Beside = {
  /** Of the webhook's configuration; ours is `curfew`, and they are called by name. */
  readonly name: string;
  readonly mutate: ForeignMutation;
  readonly reinvocationPolicy?: 'Never' | 'IfNeeded';
  readonly labels?: Readonly<Record<string, string>>;
  readonly onAccount?: Readonly<Record<string, string>>;
  readonly annotations?: JsonObject;
};

/** What comes of a pod that both webhooks are called for, and whether the other one was. */
async function admit({ name, mutate, reinvocationPolicy = 'Never', ...where }: Beside) {
  const { cluster } = suite;
  const webhook = await startSidecarWebhook(cluster, name, { mutate, reinvocationPolicy });
  try {
    const labels = { 'sidecars.example/inject': 'yes', ...where.labels };
    const namespace = await cluster.createNamespace(labels, { withoutAccount: true });
    const account = { ...serviceAccount('web', where.onAccount), automountServiceAccountToken: false };
    await cluster.must(['create', '-n', namespace, '-f', '-'], account);
    const object = { ...pod('web'), metadata: { name: 'web', annotations: where.annotations ?? {} } };
    const { code, stderr } = await cluster.kubectl.apply(object, ['-n', namespace]);
    expect(webhook.calls()).toBeGreaterThan(0);
    if (code !== 0) return { denial: stderr, stored: undefined, calls: webhook.calls() };
    const stored: unknown = JSON.parse(await cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
    return { denial: '', stored, calls: webhook.calls() };
  } finally {
    await webhook.stop();
  }
}

/** Lifetimes in seconds by name of the volume. */
function lifetimesOf(stored: unknown): Readonly<Record<string, unknown>> {
  const entries = asArray(valueAt(stored, ['spec', 'volumes'])).flatMap((volume) => {
    const seconds = valueAt(volume, ['projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds']);
    return seconds === undefined ? [] : [[asString(member(volume, 'name')) ?? '', seconds] as const];
  });
  return Object.fromEntries(entries);
}

function envOf(stored: unknown): readonly unknown[] {
  return asArray(valueAt(stored, ['spec', 'containers', 0, 'env']));
}

function mountsOf(stored: unknown): readonly unknown[] {
  return asArray(valueAt(stored, ['spec', 'containers', 0, 'volumeMounts'])).map((mount) => member(mount, 'mountPath'));
}

describe.each(['a-pod-identity-webhook', 'pod-identity-webhook'])('Beside AWS’s webhook, called %s', (name) => {
  const AWS = { name, mutate: injectAsAws };
  const IRSA = { 'eks.amazonaws.com/role-arn': AWS_ROLE };

  it.each(['Never', 'IfNeeded'] as const)(
    'a pod has one token, mounted once, with variables once, where both inject (%s)',
    async (reinvocationPolicy) => {
      const { denial, stored } = await admit({ ...AWS, reinvocationPolicy, onAccount: IRSA, labels: RESTRICTED });
      expect(denial).toBe('');
      expect(lifetimesOf(stored)).toEqual({ 'aws-iam-token': 3600 });
      expect(mountsOf(stored)).toEqual(['/var/run/secrets/eks.amazonaws.com/serviceaccount']);
      expect(envOf(stored)).toHaveLength(2);
    },
  );

  it.each(['Never', 'IfNeeded'] as const)(
    'a token of its own is shortened to the limit (%s)',
    async (reinvocationPolicy) => {
      const { denial, stored } = await admit({ ...AWS, reinvocationPolicy, labels: RESTRICTED });
      expect(denial).toBe('');
      expect(lifetimesOf(stored)).toEqual({ 'aws-iam-token': 3600 });
    },
  );

  it('the pod’s own annotation of the lifetime is heeded by both', async () => {
    const annotations = { 'eks.amazonaws.com/token-expiration': '1200' };
    for (const onAccount of [{}, IRSA]) {
      const { stored } = await admit({ ...AWS, annotations, onAccount });
      expect(lifetimesOf(stored)).toEqual({ 'aws-iam-token': 1200 });
    }
  });
});

describe('Beside Azure’s webhook of 1.6, which writes its volume anew each time', () => {
  const LONG = { 'azure.workload.identity/service-account-token-expiration': String(DAY_SECONDS) };
  const AZURE = {
    name: 'azure-wi-webhook-mutating-webhook-configuration',
    mutate: injectAsAzure,
    reinvocationPolicy: 'IfNeeded',
    annotations: LONG,
    labels: RESTRICTED,
  } as const;

  it('the token is shortened, since Curfew is called after it in the last round', async () => {
    const { denial, stored, calls } = await admit(AZURE);
    expect(denial).toBe('');
    expect(calls).toBe(2);
    expect(lifetimesOf(stored)).toEqual({ 'azure-workload-identity-reserved-0a1b2c': 3600 });
  });

  it('called after Curfew it has the last word, and the pod is refused rather than admitted with it', async () => {
    const { denial } = await admit({ ...AZURE, name: 'z-azure-wi' });
    expect(denial).toContain('token-lifetime at /spec/volumes/0/projected/sources/0/serviceAccountToken');
    expect(denial).toContain('86400');
  });

  it('called after Curfew it is heeded with a lifetime that is allowed', async () => {
    const annotations = { 'azure.workload.identity/service-account-token-expiration': '3600' };
    const { denial, stored } = await admit({ ...AZURE, name: 'z-azure-wi', annotations });
    expect(denial).toBe('');
    expect(lifetimesOf(stored)).toEqual({ 'azure-workload-identity-reserved-0a1b2c': 3600 });
  });

  it('a token that Curfew was asked for stands beside it', async () => {
    const annotations = { 'tokens.curfew.dev/vault': '{audience: vault}' };
    const { denial, stored } = await admit({ ...AZURE, annotations });
    expect(denial).toBe('');
    expect(lifetimesOf(stored)).toEqual({
      'azure-workload-identity-reserved-0a1b2c': 3600,
      'curfew-token-vault': 3600,
    });
  });
});

describe('Beside Google’s webhook, which writes the lifetime on the pod and replaces what is there', () => {
  const GOOGLE = {
    mutate: injectAsGoogle,
    onAccount: { 'cloud.google.com/workload-identity-provider': PROVIDER },
  };

  it.each(['Never', 'IfNeeded'] as const)(
    'called after Curfew, a pod has each volume, mount and variable once (%s)',
    async (reinvocationPolicy) => {
      const name = 'gcp-workload-identity-federation-webhook';
      const { denial, stored } = await admit({ ...GOOGLE, name, reinvocationPolicy });
      expect(denial).toBe('');
      expect(namesOf(stored)).toEqual(['gcp-iam-token', 'external-credential-config']);
      expect(mountsOf(stored)).toHaveLength(2);
      expect(lifetimesOf(stored)).toEqual({ 'gcp-iam-token': DAY_SECONDS });
      expect(envOf(stored)).toEqual([
        { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '/var/run/secrets/workload-identity/federation.json' },
      ]);
    },
  );

  it('called before Curfew, a pod is refused over the volume, which is another one', async () => {
    const name = 'a-gcp-workload-identity-federation-webhook';
    const { denial } = await admit({ ...GOOGLE, name });
    expect(denial).toContain('volume "gcp-iam-token" is a token for audience "sts.googleapis.com" of the pod’s own');
  });
});

describe('A pod that the syncer of a virtual cluster makes', () => {
  it('is stored as it came, with the token of the virtual cluster, though its annotations ask and its account does not', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const account = { ...serviceAccount('web'), automountServiceAccountToken: false };
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], account);
    const fieldRef = { apiVersion: 'v1', fieldPath: "metadata.annotations['vcluster.loft.sh/token-ejijuegk']" };
    const items = [{ path: 'token', fieldRef, mode: 0o644 }];
    const [mountPath, env] = [
      '/var/run/curfew/vault',
      [{ name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' }],
    ];
    const containers = [
      {
        name: 'app',
        image: 'registry.example/web:1',
        env,
        volumeMounts: [{ name: 'curfew-token-vault', mountPath, readOnly: true }],
      },
    ];
    const part = {
      volumes: ['curfew-token-vault'],
      mounts: { [mountPath]: 'curfew-token-vault' },
      env: { VAULT_TOKEN_PATH: `${mountPath}/token` },
      containers: ['app'],
    };
    const annotations = {
      'tokens.curfew.dev/vault': '{audience: vault, env: VAULT_TOKEN_PATH}',
      'curfew.dev/injected': JSON.stringify({
        vault: part,
        'preset/gcp': { ...part, volumes: ['curfew-token-vault'] },
      }),
      'vcluster.loft.sh/object-name': 'web',
      'vcluster.loft.sh/token-ejijuegk': 'of-the-virtual-cluster',
    };
    const volumes = [{ name: 'curfew-token-vault', projected: { sources: [{ downwardAPI: { items } }] } }];
    const object = { ...pod('web', { containers, volumes }), metadata: { name: 'web', annotations } };
    const { code, stderr } = await suite.cluster.kubectl.apply(object, ['-n', namespace]);
    expect(code).toBe(0);
    expect(stderr).toContain('its volume holds the one of the virtual cluster that the pod is from');
    const stored: unknown = JSON.parse(await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
    expect(valueAt(stored, ['spec', 'volumes', 0, 'projected', 'sources'])).toEqual([{ downwardAPI: { items } }]);
    expect(mountsOf(stored)).toEqual([mountPath]);
    expect(envOf(stored)).toEqual(env);
    expect(valueAt(stored, ['metadata', 'annotations'])).toMatchObject(annotations);
  });
});

function namesOf(stored: unknown): readonly unknown[] {
  return asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => member(volume, 'name'));
}
