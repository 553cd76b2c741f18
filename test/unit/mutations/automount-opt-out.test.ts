import { describe, expect, it } from 'vitest';
import { asAdmitted } from '../../../src/engine/as-admitted.ts';
import { examplePod } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, member, valueAt } from '../../../src/objects/json.ts';
import { account, judgeWith, PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';
import type { World } from './injecting.ts';
import { inject } from './injecting.ts';

const RESTRICTED = { mutateMode: 'apply', levels: { mutate: 'restricted', enforce: 'restricted' } };
const PRESET = { 'tokens.curfew.dev/vault': '{preset: vault}' };
const API_TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A pod with the default token into which Vault's injector will put its agent. */
function agentPod(annotations: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  const pod = {
    ...examplePod(spec),
    metadata: {
      name: 'web',
      namespace: 'shop',
      annotations: { 'vault.hashicorp.com/agent-inject': 'true', ...annotations },
    },
  };
  return asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT).object;
}

function mutateAt(pod: JsonObject, world: World = {}) {
  const outcome = inject(pod, { ...world, configuration: { ...RESTRICTED, ...world.configuration } });
  const volumes = asArray(outcome.at('spec', 'volumes')).map((volume) => member(volume, 'name'));
  return { ...outcome, volumes, keepsDefault: volumes.includes('kube-api-access-xxxxx') };
}

describe('A pod with an agent of Vault', () => {
  it('loses the default token where it asks for the preset vault, and is refused nowhere', () => {
    const { object, volumes, at } = mutateAt(agentPod(PRESET));
    expect(volumes).toEqual(['vault-token']);
    expect(at('spec', 'automountServiceAccountToken')).toBe(false);
    expect(at('spec', 'containers', 0, 'volumeMounts')).toEqual([
      { name: 'vault-token', mountPath: '/var/run/secrets/vault.hashicorp.com/serviceaccount', readOnly: true },
    ]);
    expect(at('metadata', 'annotations', 'vault.hashicorp.com/agent-service-account-token-volume-name')).toBe(
      'vault-token',
    );
    expect(at('metadata', 'annotations', 'curfew.dev/mutated-by')).toBe('automount-opt-out,inject-token');

    expect(mutateAt(object)).toMatchObject({ denial: '', patch: [] });
    expect(judgeWith(subjectOf('pods', object), { configuration: RESTRICTED }).verdict.denial).toBeUndefined();
  });

  it.each<[string, World]>([
    ['its service account', { onAccount: PRESET }],
    ['its namespace', { onNamespace: PRESET }],
  ])('loses it also where %s asks, and keeps what it got when the API server asks again', (_who, world) => {
    const { object, keepsDefault } = mutateAt(agentPod(), world);
    expect(keepsDefault).toBe(false);
    expect(mutateAt(object, world)).toMatchObject({ denial: '', patch: [] });
  });

  it('loses it by a preset of the administrator’s own that names a volume for the agent', () => {
    const key = 'vault.hashicorp.com/agent-service-account-token-volume-name';
    const own = { volume: 'own', mountPath: '/own', audience: 'vault', podAnnotations: { [key]: '${volume}' } };
    const configuration = { mutations: { 'inject-token': { presets: { own } } } };
    const { volumes } = mutateAt(agentPod({ 'tokens.curfew.dev/vault': '{preset: own}' }), { configuration });
    expect(volumes).toEqual(['own']);
  });

  it('loses it where the same token is mounted by a volume of the author’s, which the agent is told of', () => {
    const token = { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 3600 } };
    const mountPath = '/var/run/secrets/vault.hashicorp.com/serviceaccount';
    const pod = agentPod(PRESET, {
      volumes: [{ name: 'mine', projected: { sources: [token] } }],
      containers: [{ name: 'app', image: 'registry.example/web:1', volumeMounts: [{ name: 'mine', mountPath }] }],
    });
    const { object, denial, volumes, at } = mutateAt(pod);
    expect({ denial, volumes }).toEqual({ denial: '', volumes: ['mine'] });
    const key = 'vault.hashicorp.com/agent-service-account-token-volume-name';
    expect(at('metadata', 'annotations', key)).toBe('mine');
    expect(mutateAt(object)).toMatchObject({ denial: '', patch: [] });
  });

  it('loses it where the agent’s token takes its place', () => {
    const asked = `{preset: vault, mountPath: ${API_TOKEN_PATH}}`;
    const { object, denial, volumes } = mutateAt(agentPod({ 'tokens.curfew.dev/vault': asked }));
    expect({ denial, volumes }).toEqual({ denial: '', volumes: ['vault-token'] });
    expect(mutateAt(object)).toMatchObject({ denial: '', patch: [] });
  });

  it.each<[string, JsonObject, World]>([
    ['asks for nothing', {}, {}],
    ['asks for a token that the agent does not look for', { 'tokens.curfew.dev/vault': '{audience: vault}' }, {}],
    ['asks for no container that it has', { 'tokens.curfew.dev/vault': '{preset: vault, containers: [none]}' }, {}],
    ['has a mesh that reads the default token too', { ...PRESET, 'consul.hashicorp.com/connect-inject': 'true' }, {}],
    ['asks in vain', PRESET, withMode('off')],
    ['would get it, if it were not only reported', PRESET, withMode('report')],
  ])('keeps the default token where it %s', (_what, annotations, world) => {
    const { object, denial, keepsDefault } = mutateAt(agentPod(annotations), world);
    expect({ denial, keepsDefault }).toEqual({ denial: '', keepsDefault: true });
    expect(mutateAt(object, world).patch).toEqual([]);
  });

  it('keeps it where nobody can say what its service account asks for', () => {
    const serviceAccount = { state: 'unknown', why: 'no answer' } as const;
    expect(mutateAt(agentPod(PRESET), { serviceAccount }).keepsDefault).toBe(true);
    expect(mutateAt(agentPod(PRESET), { serviceAccount: account({}) }).keepsDefault).toBe(false);
  });

  it('warns where the agent’s token goes in a second round, and the API token is gone since the first', () => {
    const first = mutateAt(agentPod(), { serviceAccount: account({}, PRESET) });
    expect(first).toMatchObject({ volumes: ['vault-token'], warnings: [] });
    const second = mutateAt(first.object, { serviceAccount: account({}) });
    expect(second).toMatchObject({ volumes: [], denial: '' });
    expect(second.warnings).toEqual([
      "curfew inject-token: Vault's injector reads the API token, which this pod lost, and nobody asks any more for the token that stood in for it; create the pod again from its manifest",
    ]);
    expect(mutateAt(first.object, { serviceAccount: account({}, PRESET) }).warnings).toEqual([]);
    const unread = { state: 'unknown', why: 'no answer' } as const;
    expect(mutateAt(first.object, { serviceAccount: unread }).volumes).toEqual(['vault-token']);
  });

  it('is refused as a whole where the token cannot be injected', () => {
    const { denial, patch } = mutateAt(agentPod(PRESET, { volumes: [{ name: 'vault-token', emptyDir: {} }] }));
    expect(denial).toContain('volume "vault-token" is a emptyDir volume of the pod’s own');
    expect(patch).toEqual([]);
  });

  it('is reported as it would be changed', () => {
    const { patch, auditAnnotations } = mutateAt(agentPod(PRESET), { configuration: { mutateMode: 'report' } });
    expect(JSON.stringify(patch)).not.toContain('automountServiceAccountToken');
    expect(auditAnnotations.get('would-mutate')).toContain('automount-opt-out at /spec/automountServiceAccountToken');
    expect(auditAnnotations.get('mutate')).toContain('inject-token at ');
  });
});

describe('The label of a pod without an API token', () => {
  const LABELLING = {
    configuration: { mutations: { 'automount-opt-out': { label: true } } },
  };

  it('is set where the pod had none, whether or not tokens are injected at all', () => {
    const pod = examplePod({ automountServiceAccountToken: false });
    const labels = (world: World) => mutateAt(pod, world).at('metadata', 'labels');
    const off = { mutations: { 'automount-opt-out': { label: true }, 'inject-token': { mode: 'off' } } };
    expect(labels(LABELLING)).toEqual({ 'curfew.dev/api-token': 'none' });
    expect(labels({ configuration: off })).toEqual({ 'curfew.dev/api-token': 'none' });
    // Without injection the annotation gives the pod nothing.
    const asks = { ...pod, metadata: { name: 'web', annotations: { 'tokens.curfew.dev/a': '{audience: a}' } } };
    expect(mutateAt(asks, { configuration: off }).at('metadata', 'labels')).toEqual({ 'curfew.dev/api-token': 'none' });
  });
});

describe('A volume without a name, which the API server will refuse', () => {
  it('stays where it is, and the default token’s is taken out around it', () => {
    const pod = agentPod({}, { volumes: [{ emptyDir: {} }] });
    const { annotations: _, ...metadata } = pod['metadata'] as JsonObject;
    expect(mutateAt({ ...pod, metadata }).at('spec', 'volumes')).toEqual([{ emptyDir: {} }]);
  });
});

describe('A pod of a namespace that Kuma injects into', () => {
  const KUMA = 'kuma.io/sidecar-injection';
  const keeps = (world: World, keys: JsonObject = {}, where = 'labels') => {
    const pod = { ...examplePod(), metadata: { name: 'web', namespace: 'shop', [where]: keys } };
    return mutateAt(asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT).object, world).keepsDefault;
  };

  it('keeps the default token, which the sidecar reads', () => {
    expect(keeps({ namespaceLabels: { [KUMA]: 'enabled' } })).toBe(true);
    expect(keeps({ namespaceLabels: { [KUMA]: 'disabled' } })).toBe(false);
    expect(keeps({ onNamespace: { [KUMA]: 'enabled' } })).toBe(true);
    expect(keeps({})).toBe(false);
  });

  it('decides itself where it says something', () => {
    const world = { namespaceLabels: { [KUMA]: 'enabled' } };
    expect(keeps(world, { [KUMA]: 'disabled' })).toBe(false);
    expect(keeps(world, { [KUMA]: 'false' }, 'annotations')).toBe(false);
    expect(keeps({ namespaceLabels: { [KUMA]: 'disabled' } }, { [KUMA]: 'enabled' })).toBe(true);
  });

  it('keeps it where nobody can say what its namespace says', () => {
    const context: NonNullable<World['context']> = { namespace: { state: 'unknown', why: 'no answer', isFinal: true } };
    expect(keeps({ context })).toBe(true);
    expect(keeps({ context }, { [KUMA]: 'disabled' })).toBe(false);
  });
});

describe('A pod whose service account is known only as of a moment ago', () => {
  const pod = asAdmitted(subjectOf('pods', examplePod()), PLAIN_ACCOUNT).object;
  const stale = { ...PLAIN_ACCOUNT, stale: 'no answer' } as typeof PLAIN_ACCOUNT;

  it('keeps its API token: the account may have documented its need since', () => {
    expect(mutateAt(pod).keepsDefault).toBe(false);
    expect(mutateAt(pod, { serviceAccount: stale }).keepsDefault).toBe(true);
  });
});

function withMode(mode: string): World {
  return { configuration: { mutations: { 'inject-token': { mode } } } };
}

describe('A pod with two volumes that both are the default one', () => {
  it('loses every mount of them and no other, however they alternate', () => {
    const admitted = asAdmitted(subjectOf('pods', examplePod()), PLAIN_ACCOUNT).object;
    const [first = {}] = asArray(valueAt(admitted, ['spec', 'volumes']));
    const second = { ...(first as JsonObject), name: 'kube-api-access-yyyyy' };
    const mountOf = (volume: unknown) => ({ name: volume as string, mountPath: API_TOKEN_PATH, readOnly: true });
    const [x, y] = [first, second].map((volume) => mountOf(member(volume, 'name')));
    const kept = { name: 'scratch', mountPath: '/tmp' };
    const pod = examplePod({
      volumes: [first, second, { name: 'scratch', emptyDir: {} }],
      containers: [
        { name: 'app', image: 'registry.example/web:1', volumeMounts: [x, y, x, kept] as readonly JsonObject[] },
      ],
    });
    const { volumes, at } = mutateAt(pod);
    expect(volumes).toEqual(['scratch']);
    expect(at('spec', 'containers', 0, 'volumeMounts')).toEqual([kept]);
  });
});
