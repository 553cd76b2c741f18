import { describe, expect, it } from 'vitest';
import {
  EXAMPLE_LEGACY_CLAIMS,
  exampleBoundClaims,
  exampleJwt,
  toBase64,
} from '../../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { ACCOUNT_NAME_ANNOTATION, TOKEN_SECRET_TYPE } from '../../../src/objects/views.ts';
import { judgeWith } from '../judging.ts';
import { admittedPod, deployment, subjectOf } from '../subjects.ts';

const LEGACY_TOKEN = exampleJwt(EXAMPLE_LEGACY_CLAIMS);
/** Of the account shop/web, as the token controller signs them. */
const OWN_CLAIMS = {
  'kubernetes.io/serviceaccount/namespace': 'shop',
  'kubernetes.io/serviceaccount/service-account.name': 'web',
  sub: 'system:serviceaccount:shop:web',
};
const LONG_TOKEN = exampleJwt(exampleBoundClaims(172_800));
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const secret = (fields: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  kind: 'Secret',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  ...fields,
});
const configMap = (fields: JsonObject): JsonObject => ({ kind: 'ConfigMap', ...fields });
const podWith = (container: JsonObject, list = 'containers'): JsonObject => {
  const pod = admittedPod();
  return { ...pod, spec: { ...(pod['spec'] as JsonObject), [list]: [{ name: 'app', ...container }] } };
};
const judge = (resource: string, object: JsonObject, more: Parameters<typeof subjectOf>[2] = {}) =>
  judgeWith(subjectOf(resource, object, more)).verdict;

describe('A pasted token', () => {
  it.each<[string, string, JsonObject, string]>([
    ['data', 'secrets', secret({ data: { a: toBase64(LEGACY_TOKEN) } }), '/data/a'],
    ['stringData', 'secrets', secret({ stringData: { 'a/b': LEGACY_TOKEN } }), '/stringData/a~1b'],
    ['an annotation', 'secrets', secret({}, { annotations: { a: LEGACY_TOKEN } }), '/metadata/annotations/a'],
    [
      'a Secret of the bootstrap type',
      'secrets',
      secret({ type: 'bootstrap.kubernetes.io/token', stringData: { a: LEGACY_TOKEN } }),
      '/stringData/a',
    ],
    ['data of a ConfigMap', 'configmaps', configMap({ data: { a: LEGACY_TOKEN } }), '/data/a'],
    ['binaryData', 'configmaps', configMap({ binaryData: { a: toBase64(LEGACY_TOKEN) } }), '/binaryData/a'],
    ['a variable', 'pods', podWith({ env: [{ name: 'A', value: LEGACY_TOKEN }] }), '/spec/containers/0/env/0/value'],
    ['a command', 'pods', podWith({ command: ['a', LEGACY_TOKEN] }), '/spec/containers/0/command/1'],
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((probe): [string, string, JsonObject, string][] => [
      [
        `the command of a ${probe}`,
        'pods',
        podWith({ [probe]: { exec: { command: ['check', LEGACY_TOKEN] } } }),
        `/spec/containers/0/${probe}/exec/command/1`,
      ],
      [
        `a header of a ${probe}`,
        'pods',
        podWith({
          [probe]: { httpGet: { port: 1, httpHeaders: [{ name: 'Authorization', value: `Bearer ${LEGACY_TOKEN}` }] } },
        }),
        `/spec/containers/0/${probe}/httpGet/httpHeaders/0/value`,
      ],
    ]),
    ...['postStart', 'preStop'].map((hook): [string, string, JsonObject, string] => [
      `the command of ${hook}`,
      'pods',
      podWith({ lifecycle: { [hook]: { exec: { command: ['sh', '-c', `tell ${LEGACY_TOKEN}`] } } } }),
      `/spec/containers/0/lifecycle/${hook}/exec/command/2`,
    ]),
    [
      'an argument',
      'pods',
      podWith({ args: [`--t=${LEGACY_TOKEN}`] }, 'initContainers'),
      '/spec/initContainers/0/args/0',
    ],
  ])('in %s is refused', (_name, resource, object, path) => {
    expect(judge(resource, object).denial).toContain(`embedded-token at ${path}\n`);
  });

  it('of two hours is refused at restricted, and only warned about at baseline', () => {
    const object = secret({ stringData: { a: exampleJwt(exampleBoundClaims(7_200)) } });
    const { denial, warnings } = judge('secrets', object);
    expect({ denial, warnings }).toEqual({
      denial: undefined,
      warnings: ['curfew embedded-token: a pasted token that lives too long; mount a projected token'],
    });
    const strict = judgeWith(subjectOf('secrets', object), { labels: { 'curfew.dev/enforce': 'restricted' } });
    expect(strict.verdict.denial).toContain('at most 3600 s are allowed');
  });

  it('in a debug container that is added is refused', () => {
    const resource = { group: '', name: 'pods', subresource: 'ephemeralcontainers' };
    const object = podWith({ args: [LEGACY_TOKEN] }, 'ephemeralContainers');
    const update = { operation: 'UPDATE' as const, oldObject: admittedPod(), resource };
    expect(judge('pods', object, update).denial).toContain('embedded-token at /spec/ephemeralContainers/0/args/0');
    expect(judge('pods', object, { ...update, oldObject: object }).denial).toBeUndefined();
  });

  it('in the annotations of a template is warned about', () => {
    const object = deployment();
    const template = { metadata: { annotations: { a: LEGACY_TOKEN } }, spec: {} };
    expect(judge('deployments.apps', { ...object, spec: { template } }).warnings).toContain(
      'curfew embedded-token: a pasted token that never expires; mount a projected token',
    );
  });

  it.each<[string, string, JsonObject]>([
    ['in what kubectl applied', 'secrets', secret({}, { annotations: { [LAST_APPLIED]: LEGACY_TOKEN } })],
    [
      'taken from a Secret',
      'pods',
      podWith({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: LEGACY_TOKEN } } }] }),
    ],
  ])('%s is not looked for', (_name, resource, object) => {
    expect(judge(resource, object).denial).toBeUndefined();
  });

  describe('in an old token Secret', () => {
    const own = toBase64(exampleJwt({ ...EXAMPLE_LEGACY_CLAIMS, ...OWN_CLAIMS }));
    const foreign = toBase64(LEGACY_TOKEN);
    const tokenSecret = (data: JsonObject, account = 'web') =>
      secret({ type: TOKEN_SECRET_TYPE, data }, { annotations: { [ACCOUNT_NAME_ANNOTATION]: account } });
    const update = (object: JsonObject, oldObject: JsonObject) =>
      judge('secrets', object, { operation: 'UPDATE', oldObject });

    it('is refused under another key, and as the token of another account', () => {
      const old = tokenSecret({ token: own });
      expect(update(tokenSecret({ token: own, other: foreign }), old).denial).toContain('/data/other\n');
      expect(update(tokenSecret({ token: own, other: own }), old).denial).toContain('/data/other\n');
      expect(update(tokenSecret({ token: foreign }), old).denial).toContain('embedded-token at /data/token\n');
    });

    it('is not looked for in what the token controller wrote', () => {
      const filled = tokenSecret({ token: own, namespace: toBase64('shop') });
      const verdict = update(filled, tokenSecret({}));
      expect(verdict.denial).toBeUndefined();
      expect(verdict.warnings.join()).not.toContain('embedded-token');
      // Another check refuses that it is pointed at another account; its token is no second problem.
      expect(update(tokenSecret({ token: own }, 'other'), filled).denial).not.toContain('embedded-token');
    });
  });

  it('is known again in an update, wherever the keys and containers stand; a second one is not', () => {
    const [a, b] = [toBase64(LEGACY_TOKEN), toBase64(LONG_TOKEN)];
    const update = (data: JsonObject, oldData: JsonObject) =>
      judge('secrets', secret({ data }), { operation: 'UPDATE', oldObject: secret({ data: oldData }) }).denial;
    expect(update({ other: 'eA==', token: a }, { token: a })).toBeUndefined();
    expect(update({ token: toBase64(`x ${LEGACY_TOKEN}`) }, { token: a })).toBeUndefined();
    expect(update({ token: a, other: a }, { token: a })).toContain('/data/other');
    expect(update({ token: b }, { token: a })).toContain('/data/token');
  });

  it('of one job of a JobSet is not taken for that of another, and is known again when the jobs change places', () => {
    const job = (name: string, token: string): JsonObject => ({
      name,
      template: { spec: { template: { spec: { containers: [{ name: 'app', args: [token] }] } } } },
    });
    const jobSet = (...replicatedJobs: readonly JsonObject[]): JsonObject => ({
      kind: 'JobSet',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { replicatedJobs },
    });
    const update = (object: JsonObject) => {
      const oldObject = jobSet(job('a', LEGACY_TOKEN), job('b', 'none'));
      const subject = subjectOf('jobsets.jobset.x-k8s.io', object, { operation: 'UPDATE', oldObject });
      return judgeWith(subject, { configuration: { enforceTemplates: true } }).verdict.denial;
    };
    expect(update(jobSet(job('b', 'none'), job('a', LEGACY_TOKEN)))).toBeUndefined();
    expect(update(jobSet(job('a', LEGACY_TOKEN), job('b', LEGACY_TOKEN)))).toContain(
      '1 problem\n\n  embedded-token at /spec/replicatedJobs/1/template/spec/template/spec/containers/0/args/0\n',
    );
  });

  it('is told once, however often it stands in a text', () => {
    const object = configMap({ data: { a: `${LEGACY_TOKEN} ${LEGACY_TOKEN} ${toBase64(LEGACY_TOKEN)}` } });
    expect(judge('configmaps', object).denial).toContain('1 problem\n');
  });

  it('beyond the first thousand is said not to have been judged', () => {
    const decoys = Array.from({ length: 1_000 }, (_, i) => exampleJwt({ iss: 'https://gitlab.example', sub: `${i}` }));
    const { denial, warnings } = judge('configmaps', configMap({ data: { a: [...decoys, LEGACY_TOKEN].join(' ') } }));
    expect(denial).toBeUndefined();
    expect(warnings[0]).toContain('curfew embedded-token: not judged: ');
  });
});
