import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/checks/define-check.ts';
import { defineCheck } from '../../../src/checks/define-check.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { judgeWith, type Setting } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf, tokenSecret } from '../subjects.ts';

const POD = subjectOf('pods', admittedPod());
const SECRET = subjectOf('secrets', tokenSecret());

/** What came of it, per effect: `deny: long-lived-token-secret`. */
function effects(subject: Subject, setting: Setting = {}): readonly string[] {
  return judgeWith(subject, setting).judgement.results.map(({ effect, check }) => `${effect}: ${check.id}`);
}

describe('Levels decide what comes of a finding', () => {
  it.each<[string, Subject, Setting, readonly string[]]>([
    ['a token Secret by default', SECRET, {}, ['deny', 'warn', 'audit']],
    ['a token Secret where enforce is off', SECRET, { labels: { 'curfew.dev/enforce': 'off' } }, ['warn', 'audit']],
    ['a token Secret where warn is off', SECRET, { labels: { 'curfew.dev/warn': 'off' } }, ['deny', 'audit']],
    [
      'a token Secret where all is off',
      SECRET,
      { configuration: { levels: { enforce: 'off', warn: 'off', audit: 'off' } } },
      [],
    ],
    ['a pod by default', POD, {}, ['warn', 'audit']],
    [
      'a pod where enforce is restricted',
      POD,
      { labels: { 'curfew.dev/enforce': 'restricted' } },
      ['deny', 'warn', 'audit'],
    ],
    [
      'a pod by the configuration of its namespace',
      POD,
      { configuration: { namespaces: { shop: { enforce: 'restricted' } } } },
      ['deny', 'warn', 'audit'],
    ],
    [
      'a pod whose label wins over that',
      POD,
      {
        labels: { 'curfew.dev/enforce': 'baseline' },
        configuration: { namespaces: { shop: { enforce: 'restricted' } } },
      },
      ['warn', 'audit'],
    ],
    [
      'a pod where nothing warns at restricted',
      POD,
      { configuration: { levels: { warn: 'baseline', audit: 'baseline' } } },
      [],
    ],
    ['a label that is no level', POD, { labels: { 'curfew.dev/enforce': 'Restricted' } }, ['warn', 'audit']],
  ])('%s', (_what, subject, setting, wanted) => {
    expect(effects(subject, setting).map((text) => text.split(':')[0])).toEqual(wanted);
  });
});

describe('A ceiling holds a finding down, and loses nothing', () => {
  const RESTRICTED = { levels: { enforce: 'restricted' } };
  it.each<[string, Subject, Setting, readonly string[]]>([
    ['mode enforce', SECRET, withMode('enforce'), ['deny', 'warn', 'audit']],
    ['mode warn', SECRET, withMode('warn'), ['warn', 'audit']],
    ['mode audit', SECRET, withMode('audit'), ['audit']],
    ['mode off', SECRET, withMode('off'), []],
    ['kube-system', { ...SECRET, namespace: 'kube-system' }, {}, ['warn', 'audit']],
    ['a pinned catalogue that is older', SECRET, { configuration: { catalogue: '0.0' } }, ['warn', 'audit']],
    ['a pinned catalogue that has it', SECRET, { configuration: { catalogue: '0.1' } }, ['deny', 'warn', 'audit']],
    ['dryRun', SECRET, { configuration: { dryRun: true } }, ['would_deny', 'warn', 'audit']],
    ['a template', subjectOf('deployments.apps', deployment()), { configuration: RESTRICTED }, ['warn', 'audit']],
    [
      'a template with enforceTemplates',
      subjectOf('deployments.apps', deployment()),
      { configuration: { ...RESTRICTED, enforceTemplates: true } },
      ['deny', 'warn', 'audit'],
    ],
    [
      'warn off and mode warn',
      SECRET,
      { configuration: { levels: { warn: 'off' }, checks: { 'long-lived-token-secret': { mode: 'warn' } } } },
      ['warn', 'audit'],
    ],
    [
      'audit off and mode audit',
      SECRET,
      { configuration: { levels: { audit: 'off' }, checks: { 'long-lived-token-secret': { mode: 'audit' } } } },
      ['audit'],
    ],
  ])('%s', (_what, subject, setting, wanted) => {
    expect(effects(subject, setting).map((text) => text.split(':')[0])).toEqual(wanted);
  });
});

describe('A pinned catalogue', () => {
  const finding = (key: string, since?: string) => ({
    path: '/type',
    key,
    reason: `reason ${key}`,
    detail: `${key}.`,
    ...(since === undefined ? {} : { since }),
  });
  const check: Check = defineCheck({
    id: 'made-up',
    since: '0.2',
    levels: { baseline: {}, restricted: {} },
    options: Type.Object({}),
    defaults: {},
    reads: [{ group: '', resource: 'secrets', operations: ['CREATE'] }],
    needs: [],
    title: 'a check that a test made up',
    why: '',
    fix: () => 'fix',
    shortFix: () => 'fix',
    evaluate: () => [finding('first'), finding('tightened', '0.4')],
    examples: [],
  });
  const keysOf = (catalogue: string | undefined, effect: string) => {
    const configuration = catalogue === undefined ? {} : { catalogue };
    const { results } = judgeWith(SECRET, { checks: [check], configuration }).judgement;
    return results
      .filter((result) => result.effect === effect)
      .flatMap(({ findings }) => findings.map(({ key }) => key));
  };

  it.each<[string | undefined, readonly string[]]>([
    ['0.1', []],
    ['0.2', ['first']],
    ['0.3', ['first']],
    ['0.4', ['first', 'tightened']],
    ['0.10', ['first', 'tightened']],
    [undefined, ['first', 'tightened']],
  ])('at %s lets a newer check, and what a later revision of one found, only warn', (catalogue, denied) => {
    expect(keysOf(catalogue, 'deny')).toEqual(denied);
    expect(keysOf(catalogue, 'warn').toSorted()).toEqual(['first', 'tightened']);
    expect(keysOf(catalogue, 'audit')).toEqual(['first', 'tightened']);
  });

  it('loses nothing where nothing is warned about', () => {
    const configuration = { catalogue: '0.3', levels: { warn: 'off', audit: 'off' } };
    const { verdict } = judgeWith(SECRET, { checks: [check], configuration });
    expect(verdict.denial).toContain(': 1 problem');
    expect([...verdict.auditAnnotations]).toContainEqual(['warn', 'made-up at /type: reason tightened']);
  });
});

describe('An update', () => {
  const update = (object: JsonObject, oldObject: JsonObject, username = 'jane') =>
    subjectOf('secrets', object, { operation: 'UPDATE', oldObject, caller: { ...JANE, username } });
  const FILLED = tokenSecret({ 'kubernetes.io/service-account.uid': '1' }, { data: { token: 'eA==' } });

  it('that adds nothing is not denied, but warned about and audited', () => {
    const { verdict } = judgeWith(update(tokenSecret({ team: 'a' }), tokenSecret()));
    expect(verdict.denial).toBeUndefined();
    expect(verdict.warnings).toHaveLength(1);
    expect(verdict.auditAnnotations.has('audit')).toBe(true);
  });

  it('that points the Secret at another account is denied for that alone', () => {
    const stolen = {
      ...FILLED,
      metadata: {
        name: 'ci-token',
        annotations: { 'kubernetes.io/service-account.name': 'admin', 'kubernetes.io/service-account.uid': '1' },
      },
    };
    const { verdict } = judgeWith(update(stolen, FILLED));
    expect(verdict.denial).toContain(': 1 problem');
    expect(verdict.denial).toContain('changes from "ci" to "admin"');
  });

  it('by the token controller may do all of it', () => {
    const { verdict } = judgeWith(update(tokenSecret(), FILLED, 'system:kube-controller-manager'));
    expect(verdict.denial).toBeUndefined();
  });

  it('by somebody with nearly its name may not', () => {
    const { verdict } = judgeWith(update(tokenSecret(), FILLED, 'system:kube-controller-manager2'));
    expect(verdict.denial).toContain('data.token is removed');
  });

  it('of a template is denied for the container it adds, and not for those that were there', () => {
    const two = deployment({
      containers: [
        { name: 'new', image: 'a' },
        { name: 'app', image: 'a' },
      ],
    });
    const subject = subjectOf('deployments.apps', two, { operation: 'UPDATE', oldObject: deployment() });
    const configuration = { levels: { enforce: 'restricted' }, enforceTemplates: true };
    const { verdict } = judgeWith(subject, { configuration });
    expect(verdict.denial).toContain('container new:');
    expect(judgeWith({ ...subject, object: deployment() }, { configuration }).verdict.denial).toBeUndefined();
  });
});

describe('A verdict', () => {
  it('has no warning that repeats its denial', () => {
    const { verdict } = judgeWith(SECRET);
    expect(verdict.denial).toBeDefined();
    expect(verdict.warnings).toEqual([]);
    expect([...verdict.auditAnnotations.keys()]).toEqual(['deny', 'warn', 'audit']);
  });

  it.each(['absent', 'unknown'] as const)('never denies what it could not know: the account is %s', (state) => {
    const serviceAccount = state === 'absent' ? ({ state } as const) : ({ state, why: 'no answer' } as const);
    const { verdict } = judgeWith(POD, { serviceAccount, labels: { 'curfew.dev/enforce': 'restricted' } });
    expect(verdict.denial).toBeUndefined();
    expect(verdict.warnings).toHaveLength(1);
    expect([...verdict.auditAnnotations.keys()]).toEqual(['undecided']);
  });

  it('says nothing of what is right', () => {
    const { verdict } = judgeWith(subjectOf('pods', { kind: 'Pod', spec: { automountServiceAccountToken: false } }));
    expect(verdict).toEqual({ denial: undefined, warnings: [], auditAnnotations: new Map(), problems: [], patch: [] });
  });
});

function withMode(mode: string): Setting {
  return { configuration: { checks: { 'long-lived-token-secret': { mode } } } };
}
