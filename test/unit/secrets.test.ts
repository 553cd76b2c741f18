import fc from 'fast-check';
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
const key = fc.constantFrom('token', 'ca.crt', 'namespace', 'password', '__proto__', 'constructor', '.dockercfg');
const dataOf = fc.dictionary(key, secretText, { minKeys: 1, maxKeys: 4 });

function holdsPartOf(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) =>
    Array.from({ length: secret.length - SHOWN + 1 }, (_, index) => secret.slice(index, index + SHOWN)).some((part) =>
      text.includes(part),
    ),
  );
}

/** All that leaves Curfew: the whole answer. */
function answerOf(verdict: Verdict): string {
  return JSON.stringify(respond('uid', verdict));
}

describe('What a Secret holds', () => {
  it('is in no part of an answer, whatever is done with the Secret', () => {
    fc.assert(
      fc.property(
        dataOf,
        fc.option(dataOf, { nil: undefined }),
        fc.constantFrom('kubernetes.io/service-account-token', 'Opaque', 'bootstrap.kubernetes.io/token'),
        fc.constantFrom('ci', 'administrator', 'no name at all'),
        (data, oldData, type, account) => {
          const named = { 'kubernetes.io/service-account.name': account };
          const object: JsonObject = { ...tokenSecret(named), type, data };
          const old =
            oldData === undefined
              ? {}
              : { operation: 'UPDATE' as const, oldObject: tokenSecret({}, { data: oldData }) };
          const subject = subjectOf('secrets', object, old);
          const { verdict } = judgeWith(subject, { labels: { 'curfew.dev/enforce': 'restricted' } });
          const secrets = [...Object.values(data), ...Object.values(oldData ?? {})];
          expect(holdsPartOf(answerOf(verdict), secrets)).toBe(false);
        },
      ),
      { numRuns: numRuns() },
    );
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
