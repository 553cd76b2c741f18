import { describe, expect, it } from 'vitest';
import { mutate, toMutationVerdict } from '../../src/engine/mutate.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt, toBase64 } from '../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import type { Subject } from '../../src/objects/subject.ts';
import { effectiveLevels } from '../../src/policy/level.ts';
import { scopeOf } from '../../src/policy/scope.ts';
import { respond } from '../../src/review/respond.ts';
import { fc } from '../properties.ts';
import { numRuns } from './arbitraries.ts';
import { configure, contextOf, judgeWith } from './judging.ts';
import { admittedPod, subjectOf, tokenSecret } from './subjects.ts';

/** Longest run of a secret's characters that may be shown by chance. */
const SHOWN = 8;

/** Letters that stand in no word of ours, so that nothing is found by chance. */
const secretText = fc.string({
  unit: fc.constantFrom('Q', 'X', 'Z', '0', '4', '7', '9', '+', '/', '='),
  minLength: SHOWN,
  maxLength: 60,
});
/** Shares no eight characters with a time that a message shows. */
const LATE = '2147-09-04T07:47:49.747979Z';
const BOOTSTRAP = ['bootstrap.kubernetes.io/token', 'bootstrap.kubernetes.io/token'];
const KEYS = ['token', 'ca.crt', 'namespace', 'password', '__proto__', 'constructor', '.dockercfg', 'expiration'];
/** As the API server stores it, and sometimes as nobody should have: plain, or too late a time with more behind it. */
const stored = fc.oneof(
  { weight: 2, arbitrary: secretText.map(toBase64) },
  secretText,
  secretText.map((text) => toBase64(`${LATE}${text}`)),
  { weight: 2, arbitrary: fc.constant(toBase64(LATE)) },
);
const dataOf = fc.dictionary(fc.constantFrom(...KEYS, 'expiration', 'expiration', 'expiration'), stored, {
  minKeys: 1,
  maxKeys: 4,
});

/** What the values say to whoever stores them and to whoever reads them. */
function listTexts(data: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(data).flatMap((value) => [value, Buffer.from(value, 'base64').toString('utf8')]);
}

function holdsPartOf(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) =>
    Array.from({ length: secret.length - SHOWN + 1 }, (_, index) => secret.slice(index, index + SHOWN)).some((part) =>
      text.includes(part),
    ),
  );
}

/** All that leaves Curfew: the whole answer. */
function answerOf(verdict: Verdict): string {
  return respond('uid', verdict);
}

describe('What a Secret holds', () => {
  it('is in no part of an answer, whatever is done with the Secret', () => {
    const judged = new Set<string>();
    const configuration = { checks: { 'bootstrap-token-expiration': { maxSeconds: 86_400 } } };
    fc.assert(
      fc.property(
        dataOf,
        fc.option(dataOf, { nil: undefined }),
        fc.constantFrom('kubernetes.io/service-account-token', 'Opaque', ...BOOTSTRAP),
        fc.constantFrom('ci', 'administrator', 'no name at all'),
        fc.constantFrom('shop', 'kube-system', 'kube-system'),
        fc.boolean(),
        (data, oldData, type, account, namespace, isPlain) => {
          const metadata = {
            name: 'ci-token',
            namespace,
            annotations: { 'kubernetes.io/service-account.name': account },
          };
          const plain = isPlain ? { stringData: data } : { data };
          const object: JsonObject = { ...tokenSecret(), metadata, type, ...plain };
          const old =
            oldData === undefined
              ? {}
              : { operation: 'UPDATE' as const, oldObject: { ...tokenSecret({}, { data: oldData }), type } };
          const subject = subjectOf('secrets', object, { ...old, namespace });
          const labels = { 'curfew.dev/enforce': 'restricted' };
          const { judgement, verdict } = judgeWith(subject, { labels, configuration });
          for (const { check, findings } of judgement.results)
            for (const finding of findings) judged.add(`${check.id}: ${finding.key}`);
          const secrets = [...listTexts(data), ...listTexts(oldData ?? {})];
          expect(holdsPartOf(answerOf(verdict), secrets)).toBe(false);
        },
      ),
      { numRuns: numRuns() },
    );
    // A generator that never hits would prove nothing.
    const all = ['none', 'unreadable', 'too-late'].map((found) => `bootstrap-token-expiration: ${found}`);
    expect([...judged]).toEqual(expect.arrayContaining([...all, 'long-lived-token-secret: type']));
  });

  it('is in no part of an answer about a pod that has it in its environment', () => {
    fc.assert(
      fc.property(secretText, (value) => {
        const pod = admittedPod();
        const spec = pod['spec'] as JsonObject;
        const containers = [{ name: 'app', env: [{ name: 'PASSWORD', value }], args: [value], command: [value] }];
        const subject = subjectOf('pods', { ...pod, spec: { ...spec, containers } });
        const { verdict } = judgeWith(subject, { labels: { 'curfew.dev/enforce': 'restricted' } });
        for (const answer of [answerOf(verdict), answerOf(mutated(subject))]) {
          expect(holdsPartOf(answer, [value])).toBe(false);
        }
      }),
      { numRuns: numRuns(100) },
    );
  });
});

describe('A pasted service account token', () => {
  const claims = fc.record({
    seconds: fc.integer({ min: 90_000 }),
    jti: fc.uuid(),
    sub: fc.string(),
    name: fc.oneof(fc.string(), fc.constant('deployer')),
  });

  it('is in no part of an answer, nor is its base64, also where another one stands in its claims', () => {
    fc.assert(
      fc.property(claims, fc.nat(), ({ seconds, jti, sub, name }, way) => {
        const inner = exampleJwt(exampleBoundClaims(seconds, { jti, sub }));
        const owners = [
          { namespace: inner, serviceaccount: { name } },
          { namespace: 'ci', serviceaccount: { name: inner } },
        ];
        const hostile = owners.map((owner) => exampleJwt(exampleBoundClaims(seconds, { 'kubernetes.io': owner })));
        for (const token of [inner, exampleJwt(EXAMPLE_LEGACY_CLAIMS), ...hostile]) {
          const subjects = subjectsWith(token);
          const subject = subjects[way % subjects.length] ?? subjectOf('pods', {});
          const { verdict } = judgeWith(subject, { labels: { 'curfew.dev/enforce': 'restricted' } });
          const texts = [token, inner, toBase64(token), toBase64(toBase64(`x${token}`))];
          expect(holdsPartOf(answerOf(verdict), texts)).toBe(false);
        }
      }),
      { numRuns: numRuns(50) },
    );
  });
});

/** The same token in each way of pasting it. */
function subjectsWith(token: string): readonly Subject[] {
  const metadata = { name: 'web', namespace: 'shop' };
  const container = { name: 'app', env: [{ name: token, value: token }], args: [token], command: [toBase64(token)] };
  return [
    subjectOf('secrets', { kind: 'Secret', metadata, data: { token: toBase64(token) } }),
    subjectOf('secrets', { kind: 'Secret', metadata, data: { token: toBase64(toBase64(`x${token}`)) } }),
    subjectOf('configmaps', { kind: 'ConfigMap', metadata, data: { '.env': `TOKEN=${token}` } }),
    subjectOf('pods', { kind: 'Pod', metadata, spec: { serviceAccountName: 'web', containers: [container] } }),
  ];
}

function mutated(subject: Subject): Verdict {
  const configuration = configure({ mutateMode: 'apply' });
  const context = contextOf(subject, {});
  const levels = effectiveLevels(configuration, subject.namespace, context.namespace);
  const scope = scopeOf(configuration, subject, '');
  return toMutationVerdict(
    subject,
    mutate(subject, { mutations: MUTATIONS, configuration, scope, levels, context }),
    [],
  );
}
