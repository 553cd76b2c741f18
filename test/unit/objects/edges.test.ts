import { describe, expect, it } from 'vitest';
import { readExpiration } from '../../../src/objects/api-token-expiration.ts';
import { suggest } from '../../../src/objects/closest.ts';
import { createDraft } from '../../../src/objects/draft.ts';
import { withMetadata } from '../../../src/objects/example-objects.ts';
import type { JsonObject, JsonPath } from '../../../src/objects/json.ts';
import { valueAt } from '../../../src/objects/json.ts';
import { resourceOf, toNewSubject } from '../../../src/objects/manifest.ts';
import { listPastedTexts } from '../../../src/objects/pasted-tokens/pasted-text.ts';
import { isBuiltInRole } from '../../../src/objects/rbac/built-in.ts';
import { createCover } from '../../../src/objects/rbac/cover.ts';
import { allowsName, readRules } from '../../../src/objects/rbac/rules.ts';
import { listSecretReferences } from '../../../src/objects/secret-references.ts';
import { limitOf } from '../../../src/objects/token-limits.ts';
import { findTokenReader } from '../../../src/objects/token-readers.ts';
import { buildTokenCommand } from '../../../src/objects/token-request.ts';
import { toNamespaceView, toServiceAccountView, toTokenSecretView } from '../../../src/objects/views.ts';
import { HOSTILE_TOKEN } from '../../hostile/objects.ts';
import { account, found } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

const ABSENT = { state: 'absent' } as const;
const UNKNOWN = { state: 'unknown', why: 'no answer' } as const;

describe('Views of objects of which nothing is kept', () => {
  it('share one map, which is what an index of many thousands of them costs', () => {
    const labels = { 'kubernetes.io/metadata.name': 'shop', team: 'web' };
    const one = toNamespaceView({ metadata: { name: 'shop', labels, annotations: { note: 'x' } } });
    const other = toServiceAccountView({ metadata: { name: 'web', namespace: 'shop', annotations: { note: 'y' } } });
    expect(other?.annotations.size).toBe(0);
    expect(one?.labels).toBe(other?.annotations);
    expect(one?.annotations).toBe(other?.annotations);
    expect(toNamespaceView({ metadata: { name: 'shop' } })?.labels).toBe(other?.annotations);
  });

  it('keep texts alone under keys that are ours', () => {
    const annotations = { 'curfew.dev/api-access': 'it lists pods', 'curfew.dev/enforce': 7, note: 'x' };
    expect([...(toNamespaceView({ metadata: { name: 'shop', annotations } })?.annotations ?? [])]).toEqual([
      ['curfew.dev/api-access', 'it lists pods'],
    ]);
  });
});

describe('A manifest', () => {
  it.each<[JsonObject, string, string, string]>([
    [{}, '', '', ''],
    [{ kind: 'Pod' }, '', '', ''],
    [{ kind: 7, apiVersion: 'v1' }, '', '', ''],
    [{ apiVersion: 'v1', kind: 'Pod' }, 'pods', '', ''],
    [{ apiVersion: 'apps/v1', kind: 'Deployment' }, 'deployments', 'apps', ''],
    [{ apiVersion: 'apps/v1', kind: 'Pod' }, '', '', ''],
    [{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' }, 'serviceaccounts', '', 'token'],
  ])('%j is of resource "%s" in group "%s", subresource "%s"', (object, name, group, subresource) => {
    expect(resourceOf(object)).toEqual({ name, group, subresource });
  });

  it('that no rule reads is no subject', () => {
    expect(toNewSubject({ kind: 'Pod' }, 'shop')).toBeUndefined();
    expect(toNewSubject({ apiVersion: 'v1', kind: 'Endpoints' }, 'shop')).toBeUndefined();
  });

  it.each<[JsonObject, string, string]>([
    [{ apiVersion: 'v1', kind: 'Pod' }, 'shop', ''],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: '', name: 'a' } }, 'shop', 'a'],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'ci' } }, 'ci', ''],
    [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { namespace: 'ci' } }, '', ''],
  ])('%j would be made in "%s" with name "%s"', (object, namespace, name) => {
    expect(toNewSubject(object, 'shop')).toMatchObject({ operation: 'CREATE', namespace, name, object });
  });
});

describe('What is asked for the lifetime of the API token', () => {
  const key = 'curfew.dev/api-token-expiration';
  const pod = (value: string) => ({ metadata: { annotations: { [key]: value } } });
  const nothing = { account: account({}), namespace: found('shop') };
  const ofNamespace = (value: string) =>
    ({ state: 'found', value: { name: 'shop', labels: new Map(), annotations: new Map([[key, value]]) } }) as const;

  it('is said by the pod, else by its account, else by its namespace', () => {
    const all = { account: account({}, { [key]: '20m' }), namespace: ofNamespace('30m') };
    expect(readExpiration(pod('10m'), all)).toEqual({ seconds: 600, source: 'pod' });
    expect(readExpiration({}, all)).toEqual({ seconds: 1_200, source: 'service account' });
    expect(readExpiration({}, { ...all, account: ABSENT })).toEqual({ seconds: 1_800, source: 'namespace' });
    expect(readExpiration({}, { account: UNKNOWN, namespace: UNKNOWN })).toBeUndefined();
    expect(readExpiration({}, nothing)).toBeUndefined();
  });

  it('is an hour for the number that makes a year', () => {
    expect(readExpiration(pod('3607'), nothing)).toEqual({ seconds: 3_600, source: 'pod' });
    expect(readExpiration(pod('3608'), nothing)).toEqual({ seconds: 3_608, source: 'pod' });
  });

  it('is nothing where it is no time, and that is said', () => {
    expect(readExpiration(pod('soon'), nothing)).toEqual({
      seconds: undefined,
      problem: `annotation ${key} of the pod is "soon", which is no number of seconds and no duration such as 24h`,
    });
  });
});

describe('A change of a draft that cannot be made', () => {
  const ORIGINAL: JsonObject = { list: [1], text: 'a', object: {} };
  it.each<[string, JsonPath, string]>([
    ['set', [], 'cannot set '],
    ['set', ['text', 'a'], 'cannot set /text/a'],
    ['set', ['list', 'a'], 'cannot set /list/a'],
    ['set', ['list', 1], 'cannot set /list/1'],
    ['set', ['missing', 0], 'no array on the way to /missing/0'],
    ['remove', ['list', 1], 'nothing to remove at /list/1'],
    ['remove', [], 'the root cannot be changed'],
    ['insert', ['object', 0], 'cannot insert at /object/0'],
    ['insert', ['list', 2], 'cannot insert at /list/2'],
    ['insert', [], 'cannot insert at '],
  ])('%s %j says where, and leaves no trace', (operation, path, words) => {
    const draft = createDraft(ORIGINAL);
    const change = () => {
      if (operation === 'set') draft.set(path, 1);
      else if (operation === 'insert') draft.insert(path, 1);
      else draft.remove(path);
    };
    expect(change).toThrow(new RangeError(words));
    expect(draft.current()).toBe(ORIGINAL);
    expect(draft.operations()).toEqual([]);
  });
});

describe('The limit of a token', () => {
  const settings = { limits: { seconds: 600 }, options: {} };
  it.each([
    ['vault', 600],
    ['istio-ca', 43_200],
    ['spiffe://cluster.local/ns/dapr-system/dapr-sentry', 7_200],
    ['spiffe://cluster.local/ns/dapr-system/other', 600],
  ])('for %s is %d s, where the administrator says nothing', (audience, seconds) => {
    expect(limitOf({ audience }, settings)).toBe(seconds);
  });

  it('is what the administrator says, also where that is less', () => {
    expect(limitOf({ audience: 'istio-ca' }, { ...settings, options: { audiences: { 'istio-ca': 300 } } })).toBe(300);
  });
});

describe('Kuma’s injector', () => {
  const ON = { 'kuma.io/sidecar-injection': 'enabled' };
  it('reads the token of a pod in a namespace that says so, or that could not be read', () => {
    expect(findTokenReader({}, found('shop', ON))).toBe("Kuma's injector");
    expect(findTokenReader({}, UNKNOWN)).toBe("Kuma's injector");
    expect(findTokenReader({}, found('shop'))).toBeUndefined();
    expect(findTokenReader({}, ABSENT)).toBeUndefined();
    const off = { metadata: { labels: { 'kuma.io/sidecar-injection': 'disabled' } } };
    expect(findTokenReader(off, found('shop', ON))).toBeUndefined();
  });
});

describe('A view', () => {
  it.each([undefined, null, 7, [], {}, { metadata: null }, { metadata: { name: 7, namespace: 'a' } }])(
    'of %j is none',
    (raw) => {
      expect([toNamespaceView(raw), toServiceAccountView(raw), toTokenSecretView(raw)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    },
  );

  it('of what is in a namespace needs its name', () => {
    const raw = { metadata: { name: 'web' } };
    expect([toServiceAccountView(raw), toTokenSecretView(raw)]).toEqual([undefined, undefined]);
    expect(toTokenSecretView({ metadata: { name: 'web', namespace: 'shop' } })).toEqual({
      namespace: 'shop',
      name: 'web',
      account: '',
    });
  });
});

describe('The command that asks for a token', () => {
  it('says an hour and no audience for what is no request', () => {
    expect(buildTokenCommand(subjectOf('secrets', {}), {}, [])).toBe(
      'kubectl create token ACCOUNT --namespace shop --duration 1h',
    );
  });
});

describe('A suggestion', () => {
  it('is the nearest of what is known, or all of it', () => {
    expect(suggest('audiense', ['audience', 'expiration'])).toBe('; did you mean "audience"?');
    expect(suggest('zzz', ['audience', 'expiration'])).toBe('; known: audience, expiration');
  });
});

describe('A cover without steps left', () => {
  it('knows of nothing that it is covered', () => {
    const product = { verbs: ['get'], groups: [''], resources: ['pods'] };
    expect(createCover([product]).find([product])).toBe(0);
    expect(createCover([product], 0).find([product])).toBeUndefined();
  });
});

describe('What has no name', () => {
  const container = {
    name: 'app',
    env: [{ value: HOSTILE_TOKEN }, { valueFrom: { secretKeyRef: { name: 's' } } }],
    volumeMounts: [{ name: 'v', mountPath: '/v' }],
  };
  const spec = { containers: [container], volumes: [{ name: 'v', secret: { secretName: 's', items: [{}, null] } }] };

  it('is a variable with a pasted token all the same', () => {
    const pod = subjectOf('pods', { kind: 'Pod', metadata: {}, spec });
    const places = [...listPastedTexts(pod)].filter(({ text }) => text === HOSTILE_TOKEN).map(({ locate }) => locate());
    expect(places).toMatchObject([
      { path: ['spec', 'containers', 0, 'env', 0, 'value'], name: 'an environment variable' },
    ]);
  });

  it('is a reference to a Secret all the same', () => {
    expect(listSecretReferences(spec).map(({ by, secret }) => [by, secret])).toEqual([
      ['volume', 's'],
      ['env', 's'],
    ]);
  });

  it('is no built-in role', () => {
    const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    expect(isBuiltInRole({ metadata: { labels } })).toBe(false);
    expect(isBuiltInRole({ metadata: { labels, name: 'admin' } })).toBe(true);
  });

  it('is reached by no index', () => {
    expect(valueAt({ a: { 0: 'x' } }, ['a', 0])).toBeUndefined();
    expect(valueAt({ a: ['x'] }, ['a', 0])).toBe('x');
  });

  it('allows every name', () => {
    const [all, one] = readRules({ rules: [{ verbs: ['get'] }, { verbs: ['get'], resourceNames: ['a'] }] });
    if (all === undefined || one === undefined) throw new Error('there are two rules');
    expect([allowsName(all, 'b'), allowsName(one, 'b'), allowsName(one, 'a')]).toEqual([true, false, true]);
  });

  it('gets one beside metadata that is none', () => {
    expect(withMetadata({ kind: 'Pod', metadata: null }, { name: 'a' })).toEqual({
      kind: 'Pod',
      metadata: { name: 'a' },
    });
  });
});
