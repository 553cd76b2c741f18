import { describe, expect, it } from 'vitest';
import injectToken from '../../../src/mutations/inject-token.ts';
import type { JsonObject, JsonValue } from '../../../src/objects/json.ts';
import { asking, inject, type World } from './injecting.ts';

const VAULT = { vault: '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}' };
const FIRST = '{audience: vault}';
const container = (name: string, fields: JsonObject = {}) => ({ name, image: 'registry.example/web:1', ...fields });
const volume = (token: JsonObject, more: JsonObject = {}) => ({
  name: 'curfew-token-vault',
  projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }], ...more },
});
const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };

describe('What is added', () => {
  it('is one volume, a read-only mount and the variable in every container, before those that are there', () => {
    const pod = asking(VAULT, {
      initContainers: [container('setup'), container('proxy', { restartPolicy: 'Always' })],
      containers: [container('app', { env: [{ name: 'A', value: '$(VAULT_TOKEN_PATH)' }] })],
      ephemeralContainers: [container('debug')],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    });
    const { patch, at } = inject(pod);
    const mount = { name: 'curfew-token-vault', mountPath: '/var/run/curfew/vault', readOnly: true };
    const env = { name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' };
    expect(at('spec', 'volumes')).toEqual([
      { name: 'tmp', emptyDir: {} },
      volume({ audience: 'vault', expirationSeconds: 600 }),
    ]);
    expect(at('spec', 'initContainers', 0, 'volumeMounts')).toEqual([mount]);
    expect(at('spec', 'initContainers', 1, 'volumeMounts')).toEqual([mount]);
    expect(at('spec', 'containers', 0, 'volumeMounts')).toEqual([mount]);
    expect(at('spec', 'containers', 0, 'env')).toEqual([env, { name: 'A', value: '$(VAULT_TOKEN_PATH)' }]);
    expect(at('spec', 'ephemeralContainers', 0, 'volumeMounts')).toBeUndefined();
    expect(at('metadata', 'annotations', 'curfew.dev/mutated-by')).toBe('inject-token');
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'add /spec/volumes/1',
      'add /spec/initContainers/0/volumeMounts',
      'add /spec/initContainers/1/volumeMounts',
      'add /spec/containers/0/volumeMounts',
      'add /spec/initContainers/0/env',
      'add /spec/initContainers/1/env',
      'add /spec/containers/0/env/0',
      'add /metadata/annotations/curfew.dev~1injected',
      'add /metadata/annotations/curfew.dev~1mutated-by',
    ]);
  });

  it('is nothing else: no container, no security context, no field of the pod, and by no name of its own', () => {
    const spec = { securityContext: { runAsUser: 7 }, terminationGracePeriodSeconds: 5, unknownField: { x: 1 } };
    const [one, other] = ['web', 'web-2'].map((name) => {
      const pod = asking(VAULT, { ...spec, containers: [container('app')] }, { name, generateName: 'web-', uid: name });
      const { object } = inject(pod);
      const { volumes: _added, containers, ...rest } = object['spec'] as JsonObject;
      const { containers: _before, ...before } = (pod as JsonObject)['spec'] as JsonObject;
      expect(rest).toEqual(before);
      expect(containers).toHaveLength(1);
      expect(Object.keys((containers as readonly JsonObject[])[0] ?? {}).toSorted()).toEqual([
        'env',
        'image',
        'name',
        'volumeMounts',
      ]);
      return object['spec'];
    });
    expect(one).toEqual(other);
  });

  it('is that of the request’s namespace, also where the pod does not say it', () => {
    const { metadata, ...rest } = asking({ aws: '{preset: aws-irsa}' });
    const { namespace: _namespace, ...own } = metadata as JsonObject;
    const { denial } = inject({ ...rest, metadata: own }, { in: 'other' });
    expect(denial).toContain('or annotate service account other/web with eks.amazonaws.com/role-arn');
  });

  it('is for pods that are created, and never for a template', () => {
    expect(injectToken.reads).toEqual([{ group: '', resource: 'pods', operations: ['CREATE'] }]);
  });

  it('goes where it is asked for', () => {
    const three = { containers: [container('a'), container('b'), container('c')] };
    const mounted = (value: string) => {
      const { at } = inject(asking({ t: value }, three));
      return [0, 1, 2].filter((index) => at('spec', 'containers', index, 'volumeMounts') !== undefined);
    };
    expect(mounted('{audience: x, containers: [b]}')).toEqual([1]);
    expect(mounted('{audience: x, excludeContainers: [b]}')).toEqual([0, 2]);
    expect(mounted('{audience: x, containers: [a, b], excludeContainers: [b]}')).toEqual([0]);
  });

  it('is nothing yet where the container is still to come, and a warning says so', () => {
    const { patch, warnings } = inject(asking({ t: '{audience: x, containers: [ap]}' }));
    expect(patch).toEqual([]);
    expect(warnings).toEqual([
      'curfew inject-token: token t names container ap, which the pod does not have; did you mean "app"?',
    ]);
  });

  it('has the mode, file and place that are asked for', () => {
    const { at } = inject(asking({ t: '{audience: x, mode: "0440", path: jwt, mountPath: /etc/x, env: T}' }));
    expect(at('spec', 'volumes', 0, 'projected')).toEqual({
      sources: [{ serviceAccountToken: { audience: 'x', expirationSeconds: 3600, path: 'jwt' } }],
      defaultMode: 0o440,
    });
    expect(at('spec', 'containers', 0, 'env', 0, 'value')).toBe('/etc/x/jwt');
  });

  it('never has a name in which Vault’s injector would see the API token', () => {
    expect(inject(asking({ myserviceaccount: FIRST })).denial).toContain('Vault’s injector looks for serviceaccount');
  });

  it('is warned about where it may surprise', () => {
    const grace = inject(asking(VAULT, { terminationGracePeriodSeconds: 300 })).warnings;
    expect(grace).toEqual([
      'curfew inject-token: token vault lives 600 s and is not renewed while the pod stops, which may take 300 s',
    ]);
    const envFrom = [{ configMapRef: { name: 'settings' } }];
    expect(inject(asking(VAULT, { containers: [container('app', { envFrom })] })).warnings).toEqual([
      'curfew inject-token: variable VAULT_TOKEN_PATH in container app may hide what its envFrom has under that name',
    ]);
    expect(inject(asking({ t: '{audience: "https://kubernetes.default.svc"}' })).warnings).toEqual([
      'curfew inject-token: token t has the audience of the Kubernetes API: whoever gets it can use it there',
    ]);
  });
});

describe('A container that has something already', () => {
  it('keeps its variables, as a group, unless it says otherwise', () => {
    const env = [
      { name: 'AWS_ROLE_ARN', value: 'mine' },
      { name: 'AWS_REGION', value: 'eu-west-1' },
    ];
    const pod = (value: string) => asking({ aws: value }, { containers: [container('app', { env })] });
    const kept = inject(pod('{preset: aws-irsa}'), { onAccount: ROLE });
    expect(kept.at('spec', 'containers', 0, 'env')).toEqual(env);
    expect(kept.warnings).toEqual(['curfew inject-token: container app keeps variable AWS_ROLE_ARN of its own']);
    const overridden = inject(pod('{preset: aws-irsa, overrideEnv: true}'), { onAccount: ROLE });
    expect(overridden.at('spec', 'containers', 0, 'env')).toEqual([
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token' },
      { name: 'AWS_ROLE_ARN', value: ROLE['eks.amazonaws.com/role-arn'] },
      { name: 'AWS_REGION', value: 'eu-west-1' },
    ]);
  });

  it('is another token in the same directory, with the same variable, or of the same volume', () => {
    const same = inject(asking({ a: '{audience: a, mountPath: /x}', b: '{audience: b, mountPath: /x/y}' })).denial;
    expect(same).toContain('container app mounts volume "curfew-token-a" (a token for audience "a") at "/x"');
    expect(inject(asking({ a: '{audience: a, env: T}', b: '{audience: b, env: T}' })).denial).toContain(
      'annotation tokens.curfew.dev/b of the pod and annotation tokens.curfew.dev/a of the pod both set variable T in container app',
    );
    const twice = { a: '{preset: conjur}', b: '{preset: conjur, audience: other, mountPath: /x}' };
    expect(inject(asking(twice)).denial).toContain('both make the volume "jwt-token"');
  });
});

describe('A second round', () => {
  const again = (first: ReturnType<typeof inject>, world: World = {}) => inject(first.object, world);

  it('changes nothing, also with the defaults of the API server filled in', () => {
    const first = inject(asking({ ...VAULT, gcp: '{preset: gcp, provider: p}' }));
    const defaulted = JSON.parse(
      JSON.stringify(first.object)
        .replaceAll('"projected":{', '"projected":{"defaultMode":420,')
        .replaceAll('"downwardAPI":{', '"downwardAPI":{"defaultMode":420,')
        .replaceAll('"fieldRef":{', '"fieldRef":{"apiVersion":"v1",'),
    ) as JsonObject;
    expect(again(first).patch).toEqual([]);
    expect(inject(defaulted).patch).toEqual([]);
    expect(inject(defaulted).denial).toBe('');
  });

  it('covers a container that came in between', () => {
    const first = inject(asking(VAULT));
    const spec = first.object['spec'] as JsonObject;
    const containers = [...(spec['containers'] as readonly JsonValue[]), container('late')];
    const second = inject({ ...first.object, spec: { ...spec, containers } });
    expect(second.patch.map(({ path }) => path)).toEqual([
      '/spec/containers/1/volumeMounts',
      '/spec/containers/1/env',
      '/metadata/annotations/curfew.dev~1injected',
    ]);
  });

  it('makes it anew where the service account or its annotations changed in between', () => {
    const on = (role: string) => ({ onAccount: { 'eks.amazonaws.com/role-arn': role } });
    const pod = asking({ aws: '{preset: aws-irsa}' });
    const second = again(inject(pod, on('arn:one')), on('arn:two'));
    expect(second.at('spec', 'containers', 0, 'env', 0, 'value')).toBe('arn:two');
    expect(second.object).toEqual(inject(pod, on('arn:two')).object);
  });

  it('takes out what nobody asks for any more, but only if everybody could be asked', () => {
    const onAccount = { 'tokens.curfew.dev/vault': FIRST };
    const first = inject(asking({}), { onAccount });
    const gone = again(first);
    expect(gone.at('spec', 'volumes')).toEqual([]);
    expect(gone.at('spec', 'containers', 0, 'volumeMounts')).toEqual([]);
    expect(gone.at('metadata', 'annotations', 'curfew.dev/injected')).toBeUndefined();
    const unknown = { context: { serviceAccount: () => ({ state: 'unknown', why: 'no answer' }) as const } };
    expect(again(first, unknown).patch).toEqual([]);
  });

  it('makes a volume of ours anew whose lifetime changed', () => {
    const on = (seconds: number) => ({
      onAccount: { 'tokens.curfew.dev/vault': `{audience: vault, expiration: ${seconds}}` },
    });
    const { patch } = again(inject(asking({}), on(600)), on(900));
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual(['replace /spec/volumes/0']);
  });

  it('leaves in a volume of ours what another webhook added, and what it does not know, also when it is made anew', () => {
    const on = (seconds: number) => ({
      onAccount: { 'tokens.curfew.dev/vault': `{audience: vault, expiration: ${seconds}}` },
    });
    const first = inject(asking({}), on(600));
    const certificate = { podCertificate: { signerName: 'x.example/y' } };
    const volumeOf = (seconds: number, sources: readonly JsonObject[] = [certificate]) => ({
      name: 'curfew-token-vault',
      projected: {
        defaultUser: 7,
        sources: [
          { serviceAccountToken: { user: 8, audience: 'vault', expirationSeconds: seconds, path: 'token' } },
          ...sources,
        ],
      },
    });
    const changed = (volume: JsonObject) => ({
      ...first.object,
      spec: { ...(first.object['spec'] as JsonObject), volumes: [volume] },
    });
    expect(inject(changed(volumeOf(600)), on(600)).patch).toEqual([]);
    const { denial, at, object } = inject(changed(volumeOf(600)), on(900));
    expect(denial).toBe('');
    expect(at('spec', 'volumes', 0)).toEqual(volumeOf(900));
    expect(inject(object, on(900)).patch).toEqual([]);
    const [token, ...rest] = volumeOf(600).projected.sources;
    const reordered = { ...volumeOf(600), projected: { ...volumeOf(600).projected, sources: [...rest, token ?? {}] } };
    expect(inject(changed(reordered), on(600)).at('spec', 'volumes', 0)).toEqual(volumeOf(600));
  });

  it('believes no record that is not of our form', () => {
    for (const value of ['{', '[]', '{"vault":7}', '{"vault":{"volumes":7,"env":[]}}', 'x'.repeat(70_000)]) {
      const pod = asking(VAULT, {}, { annotations: { 'curfew.dev/injected': value } });
      expect(inject(pod).at('spec', 'volumes', 0, 'name')).toBe('curfew-token-vault');
    }
  });
});
