import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, asString, member } from '../../../src/objects/json.ts';
import { asking, inject, type World } from './injecting.ts';

const AZURE = {
  mutations: { 'inject-token': { triggers: ['azure'], presetParameters: { azure: { tenantId: 't' } } } },
};

/** What vCluster's syncer makes on the host of a pod inside. */
function sync(inside: JsonObject, by: 'annotation' | 'secret', mark = 'vcluster.loft.sh/object-name'): JsonObject {
  const metadata = inside['metadata'] as JsonObject;
  const spec = inside['spec'] as JsonObject;
  const rewrite = (source: unknown, volume: string): JsonObject => {
    const path = asString(member(member(source, 'serviceAccountToken'), 'path'));
    if (path === undefined) return source as JsonObject;
    const fieldRef = { apiVersion: 'v1', fieldPath: "metadata.annotations['vcluster.loft.sh/token-ejijuegk']" };
    return by === 'annotation'
      ? { downwardAPI: { items: [{ path, fieldRef, mode: 0o644 }] } }
      : { secret: { name: 'web-sa-token', items: [{ key: volume, path, mode: 0o644 }] } };
  };
  const volumes = asArray(spec['volumes']).map((volume) => {
    const projected = member(volume, 'projected');
    if (projected === undefined) return volume as JsonObject;
    const name = asString(member(volume, 'name')) ?? '';
    const sources = asArray(member(projected, 'sources')).map((source) => rewrite(source, name));
    return { ...(volume as JsonObject), projected: { ...(projected as JsonObject), sources } };
  });
  const annotations = {
    ...(metadata['annotations'] as JsonObject),
    'vcluster.loft.sh/token-ejijuegk': 'x',
    [mark]: 'web',
  };
  return { ...inside, metadata: { ...metadata, annotations }, spec: { ...spec, volumes } };
}

function insideWith(world: World, pod: JsonObject = asking({})): JsonObject {
  const { denial, object } = inject(pod, world);
  expect(denial).toBe('');
  expect(object).not.toEqual(pod);
  return object;
}

const VAULT = '{audience: vault, env: VAULT_TOKEN_PATH}';
const note = (name: string) =>
  `curfew inject-token: token ${name} is left as it is: its volume holds the one of the virtual cluster that the pod is from`;

describe.each(['annotation', 'secret'] as const)('A pod of a virtual cluster whose tokens come from its %s', (by) => {
  it.each(['vcluster.loft.sh/name', 'vcluster.loft.sh/object-name'])('keeps what it asked for inside: %s', (mark) => {
    const pod = sync(insideWith({}, asking({ vault: VAULT })), by, mark);
    expect(inject(pod)).toMatchObject({ denial: '', patch: [], warnings: [note('vault')] });
  });

  it('keeps what its account inside asked for, of which the host knows nothing', () => {
    const pod = sync(insideWith({ onAccount: { 'tokens.curfew.dev/vault': VAULT } }), by);
    expect(inject(pod)).toMatchObject({ denial: '', patch: [], warnings: [] });
  });

  it('keeps what a scheme’s webhook gave it inside, where nothing of ours was written down', () => {
    const inside = insideWith(
      { configuration: AZURE },
      asking({}, {}, { labels: { 'azure.workload.identity/use': 'true' } }),
    );
    const { metadata, ...rest } = sync(inside, by);
    const { 'curfew.dev/injected': _record, ...annotations } = (metadata as JsonObject)['annotations'] as JsonObject;
    const pod = { ...rest, metadata: { ...(metadata as JsonObject), annotations } };
    expect(inject(pod, { configuration: AZURE })).toMatchObject({ denial: '', patch: [], warnings: [note('azure')] });
  });

  it('keeps a preset’s whose value only its account inside has', () => {
    const role = { 'eks.amazonaws.com/role-arn': 'arn:one' };
    const pod = sync(insideWith({ onAccount: role }, asking({ aws: '{preset: aws-irsa}' })), by);
    expect(inject(pod)).toMatchObject({ denial: '', patch: [] });
  });

  it('gets what it asks for and does not have yet', () => {
    const pod = sync(insideWith({}, asking({ vault: VAULT })), by);
    const { annotations } = pod['metadata'] as { annotations: JsonObject };
    const more = { ...annotations, 'tokens.curfew.dev/own': '{audience: own}' };
    const { denial, at } = inject({ ...pod, metadata: { ...(pod['metadata'] as JsonObject), annotations: more } });
    expect(denial).toBe('');
    expect(at('spec', 'volumes', 1, 'name')).toBe('curfew-token-own');
    expect(at('spec', 'volumes', 0)).toEqual((pod['spec'] as { volumes: readonly JsonObject[] }).volumes[0]);
    expect(Object.keys(JSON.parse(asString(at('metadata', 'annotations', 'curfew.dev/injected')) ?? ''))).toEqual([
      'vault',
      'own',
    ]);
  });

  it('is refused where the host asks for a token of its own under the same name', () => {
    const pod = sync(insideWith({ onAccount: { 'tokens.curfew.dev/vault': VAULT } }), by);
    const { denial } = inject(pod, { onAccount: { 'tokens.curfew.dev/vault': VAULT } });
    expect(denial).toContain('volume "curfew-token-vault" is a projected volume of the pod’s own');
  });
});

it('A pod that no virtual cluster made is refused over such a volume', () => {
  const pod = sync(
    asking(
      { vault: VAULT },
      {
        volumes: [{ name: 'curfew-token-vault', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
      },
    ),
    'secret',
    'x.example/mark',
  );
  expect(inject(pod).denial).toContain('volume "curfew-token-vault" is a projected volume of the pod’s own');
});
