import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { judgeWith, type Setting } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf, tokenSecret } from '../subjects.ts';

const SECRET = subjectOf('secrets', tokenSecret());
const POD = subjectOf('pods', admittedPod());
const END = Date.UTC(2027, 2, 2);

const RULE = {
  name: 'ci-token',
  match: { namespaces: ['shop'] },
  reason: 'the old build server cannot ask for tokens',
  owner: 'team-build',
  expires: '2027-03-01',
  ticket: 'OPS-7',
};

function exempting(rule: JsonObject = {}, keys: JsonObject = {}, now = 0): Setting {
  return { configuration: { ...keys, exemptions: { rules: [{ ...RULE, ...rule }] } }, context: { now } };
}

describe('An exemption', () => {
  it.each<[string, Subject, JsonObject]>([
    ['what would be denied', SECRET, {}],
    ['what would be denied but for dryRun', SECRET, { dryRun: true }],
    ['what would be warned about', POD, {}],
    ['what would be audited', POD, { levels: { warn: 'off' } }],
    ['what is not known', subjectOf('deployments.apps', deployment()), {}],
  ])('removes %s, in every mode, and leaves a record', (_what, subject, keys) => {
    const setting = exempting({}, keys);
    const serviceAccount = { state: 'absent' } as const;
    const { verdict } = judgeWith(subject, {
      ...setting,
      ...(subject.kind === 'Deployment' ? { serviceAccount } : {}),
    });
    expect({ ...verdict, auditAnnotations: [...verdict.auditAnnotations.keys()] }).toEqual({
      denial: undefined,
      warnings: [],
      auditAnnotations: ['exempt'],
      problems: [],
      patch: [],
    });
  });

  it('is on record with its check, name, owner, end, ticket and reason', () => {
    expect(judgeWith(SECRET, exempting()).verdict.auditAnnotations.get('exempt')).toBe(
      'long-lived-token-secret by exemption ci-token (owner team-build, until 2027-03-01, ticket OPS-7): the old build server cannot ask for tokens',
    );
    const { expires: _expires, ticket: _ticket, ...rest } = RULE;
    const rules = [{ ...rest, permanent: true }];
    expect(judgeWith(SECRET, { configuration: { exemptions: { rules } } }).verdict.auditAnnotations.get('exempt')).toBe(
      'long-lived-token-secret by exemption ci-token (owner team-build, permanent): the old build server cannot ask for tokens',
    );
  });

  it('of one check leaves what the others say', () => {
    const year = subjectOf('pods', {
      ...admittedPod(),
      spec: {
        containers: [{ name: 'app' }],
        volumes: [{ name: 'a', projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607 } }] } }],
      },
    });
    const { verdict } = judgeWith(year, exempting({ checks: ['pod-automount'] }));
    expect(verdict.denial).toContain('year-long-token at /spec/volumes/0');
    expect(verdict.denial).not.toContain('pod-automount at');
    expect(verdict.auditAnnotations.get('exempt')).toMatch(/^pod-automount by/);
  });

  it('says nothing where nothing was found', () => {
    const { verdict, judgement } = judgeWith(
      subjectOf('pods', { kind: 'Pod', spec: { automountServiceAccountToken: false } }),
      exempting(),
    );
    expect(verdict.auditAnnotations.size).toBe(0);
    expect(judgement.exempted).toEqual([]);
  });

  it('works to the last millisecond of its last day, and not one longer, in every mode at once', () => {
    expect(judgeWith(SECRET, exempting({}, {}, END - 1)).judgement.results).toEqual([]);
    const { verdict } = judgeWith(SECRET, exempting({}, {}, END));
    expect(verdict.denial).toContain('long-lived-token-secret');
    expect([...verdict.auditAnnotations.keys()]).toEqual(['deny', 'warn', 'audit']);
  });

  it('is warned about in its last 14 days, once an object, and only to whoever was spared something', () => {
    const last = END - 14 * 86_400_000;
    expect(judgeWith(SECRET, exempting({}, {}, last - 1)).verdict.warnings).toEqual([]);
    expect(judgeWith(SECRET, exempting({}, {}, last)).verdict.warnings).toEqual([
      'curfew: exemption ci-token ends on 2027-03-01; its owner is team-build',
    ]);
    const first = CHECKS.find(({ id }) => id === 'long-lived-token-secret');
    const twice = first === undefined ? [] : [first, { ...first, id: 'another' }];
    expect(judgeWith(SECRET, { ...exempting({}, {}, last), checks: twice }).verdict.warnings).toHaveLength(1);
    expect(
      judgeWith(SECRET, exempting({}, { levels: { enforce: 'off', warn: 'off' } }, last)).verdict.warnings,
    ).toEqual([]);
  });

  it('is no use for what an update did not add: that was not denied before either', () => {
    const update = subjectOf('secrets', tokenSecret({ team: 'a' }), {
      operation: 'UPDATE',
      oldObject: tokenSecret(),
      caller: JANE,
    });
    const { judgement } = judgeWith(update, exempting());
    expect(judgement.exempted.flatMap(({ results }) => results.map(({ effect }) => effect))).toEqual(['warn', 'audit']);
  });

  it('that has ended, or does not match, is never named where a person reads what to do', () => {
    for (const setting of [exempting({}, {}, END), exempting({ match: { namespaces: ['bank'] } })]) {
      const { verdict } = judgeWith(SECRET, setting);
      expect(`${verdict.denial} ${verdict.warnings.join(' ')}`).not.toMatch(/exempt|ci-token"|OPS-7/i);
    }
  });
});
