import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { findUnapprovedAccess } from '../../../src/policy/api-access-approval.ts';
import { EXEMPTION_PRESETS } from '../../../src/policy/exemption-presets.ts';
import { describeGrant } from '../../../src/policy/grant.ts';
import { AUDIT_KEYS, AUDIT_MEANINGS, LEVEL_LABELS, MUTATED_BY_ANNOTATION } from '../../../src/policy/labels.ts';
import {
  findRaisedLevel,
  findRelaxations,
  findUnknownLabels,
  findWrongLevels,
} from '../../../src/policy/namespace-labels.ts';
import { configure } from '../judging.ts';
import { JANE, subjectOf } from '../subjects.ts';

type Labels = Readonly<Record<string, string>>;
const withLabels = (labels: Labels | undefined) => ({
  metadata: { name: 'shop', ...(labels === undefined ? {} : { labels }) },
});
const labelled = (after: Labels | undefined, before?: Labels, more: Partial<Subject> = {}) =>
  subjectOf('namespaces', withLabels(after), {
    namespace: '',
    name: 'shop',
    operation: 'UPDATE',
    ...(before === undefined ? {} : { oldObject: withLabels(before) }),
    ...more,
  });
const ENFORCE = 'curfew.dev/enforce';
const GRANT =
  'have an administrator allow it: kubectl create clusterrolebinding curfew-relax-jane --clusterrole=curfew-relax --user=jane';
const LEFT = `leave the label as it is, or ${GRANT}`;
const RIGHT = 'that takes the verb relax on levels.curfew.dev.';

describe('The published names and presets', () => {
  it('are those of the golden file: somebody’s objects and alerts have them', async () => {
    const names = { LEVEL_LABELS, MUTATED_BY_ANNOTATION, AUDIT_KEYS };
    const text = JSON.stringify({ names, presets: EXEMPTION_PRESETS }, null, 2);
    await expect(`${text}\n`).toMatchFileSnapshot('../../golden/policy-names.json');
    expect(Object.values(AUDIT_MEANINGS).every((meaning) => meaning.length > 20)).toBe(true);
  });
});

describe('A label that is no level', () => {
  it('is told with what it is most likely meant to be', () => {
    expect(findWrongLevels(labelled({ [ENFORCE]: 'restrictd' }))).toEqual([
      {
        path: '/metadata/labels/curfew.dev~1enforce',
        key: ENFORCE,
        reason: 'curfew.dev/enforce is not off, baseline or restricted',
        detail:
          'label curfew.dev/enforce is "restrictd", which is no level (did you mean restricted?); allowed: off, baseline, restricted.',
        fix: 'kubectl label namespace shop --overwrite curfew.dev/enforce=restricted',
        shortFix: 'it counts as not set',
      },
    ]);
  });

  it('is told without a guess where there is none', () => {
    expect(findWrongLevels(labelled({ [ENFORCE]: 'zzzzz' }, undefined, { name: '$(id)' }))).toMatchObject([
      {
        detail: 'label curfew.dev/enforce is "zzzzz", which is no level; allowed: off, baseline, restricted.',
        fix: 'kubectl label namespace NAMESPACE --overwrite curfew.dev/enforce=LEVEL',
      },
    ]);
  });
});

describe('A label that Curfew does not read', () => {
  const READS = 'it reads curfew.dev/enforce, curfew.dev/warn, curfew.dev/audit, curfew.dev/mutate.';
  it('is told, the first with what it may be meant to be', () => {
    const labels = { 'curfew.dev/enforse': 'off', 'curfew.dev/zzz': 'a', 'other.dev/x': 'a', 'a-curfew.dev/': 'b' };
    expect(findUnknownLabels(labelled(labels))).toEqual([
      {
        path: '/metadata/labels/curfew.dev~1enforse',
        key: 'curfew.dev/enforse',
        reason: 'label "curfew.dev/enforse" does nothing',
        detail: `label "curfew.dev/enforse" is none that Curfew reads; ${READS}`,
        shortFix: 'did you mean curfew.dev/enforce?',
      },
      expect.objectContaining({
        key: 'curfew.dev/zzz',
        shortFix: 'known: curfew.dev/enforce, curfew.dev/warn, curfew.dev/audit, curfew.dev/mutate',
      }),
    ]);
  });

  it('is not told again where it stays, but where it changes', () => {
    expect(findUnknownLabels(labelled({ 'curfew.dev/zzz': 'a' }, { 'curfew.dev/zzz': 'a' }))).toEqual([]);
    expect(findUnknownLabels(labelled({ 'curfew.dev/zzz': 'a' }, { 'curfew.dev/zzz': 'b' }))).toHaveLength(1);
  });
});

describe('A level that is lowered', () => {
  const relax = (after: Labels | undefined, before: Labels | undefined, keys: JsonObject = {}) =>
    findRelaxations(labelled(after, before), { configuration: configure(keys), grantRole: 'curfew-relax' });

  it('by another value is told with both', () => {
    expect(relax({ [ENFORCE]: 'off' }, { [ENFORCE]: 'restricted' })).toEqual([
      {
        path: '/metadata/labels/curfew.dev~1enforce',
        key: ENFORCE,
        reason: 'a lower level of enforce',
        detail: `label curfew.dev/enforce goes from "restricted" to "off", which lowers the level of enforce from restricted to off: ${RIGHT}`,
        fix: LEFT,
      },
    ]);
  });

  it('by a first value, or by none any more, is told where something is', () => {
    expect(relax({ [ENFORCE]: 'off' }, {})).toMatchObject([
      {
        detail: `label curfew.dev/enforce is set to "off", which lowers the level of enforce from baseline to off: ${RIGHT}`,
      },
    ]);
    expect(relax({}, { [ENFORCE]: 'restricted' })).toMatchObject([
      {
        path: '/metadata/labels',
        detail: `label curfew.dev/enforce="restricted" is removed, which lowers the level of enforce from restricted to baseline: ${RIGHT}`,
      },
    ]);
    expect(relax(undefined, { [ENFORCE]: 'restricted' })).toMatchObject([{ path: '/metadata' }]);
    expect(
      findRelaxations(
        { ...labelled({}, { [ENFORCE]: 'restricted' }), object: {} },
        {
          configuration: configure(),
          grantRole: 'curfew-relax',
        },
      ),
    ).toMatchObject([{ path: '' }]);
  });

  it('is not one where it stays or is raised', () => {
    expect(relax({ [ENFORCE]: 'restricted' }, { [ENFORCE]: 'restricted' })).toEqual([]);
    expect(relax({ [ENFORCE]: 'restricted' }, {})).toEqual([]);
    expect(relax({ [ENFORCE]: 'baseline' }, {})).toEqual([]);
  });

  const MUTATE = 'curfew.dev/mutate';
  it.each<[string, Labels, Labels, JsonObject, string | undefined]>([
    ['is taken away', {}, { [MUTATE]: 'baseline' }, {}, 'means that mutations are only reported'],
    [
      'is taken away and was higher',
      {},
      { [MUTATE]: 'restricted' },
      {},
      'lowers the level of mutate from restricted to baseline',
    ],
    ['is taken away and was off', {}, { [MUTATE]: 'off' }, {}, undefined],
    ['is taken away where all are applied', {}, { [MUTATE]: 'baseline' }, { mutateMode: 'apply' }, undefined],
    [
      'is lowered where all are applied',
      { [MUTATE]: 'off' },
      {},
      { mutateMode: 'apply' },
      'lowers the level of mutate from baseline to off',
    ],
    ['is first set to the same', { [MUTATE]: 'baseline' }, {}, {}, undefined],
    ['is first set to less', { [MUTATE]: 'baseline' }, {}, { levels: { mutate: 'restricted' } }, undefined],
    ['is first set to off', { [MUTATE]: 'off' }, {}, {}, 'lowers the level of mutate from baseline to off'],
    [
      'goes down',
      { [MUTATE]: 'baseline' },
      { [MUTATE]: 'restricted' },
      {},
      'lowers the level of mutate from restricted to baseline',
    ],
  ])('may be that of mutations, where the label %s', (_what, after, before, keys, words) => {
    const details = relax(after, before, keys).map(({ detail }) => detail);
    if (words === undefined) expect(details).toEqual([]);
    else expect(details).toEqual([expect.stringContaining(`, which ${words}: ${RIGHT}`)]);
  });
});

describe('A level that is raised', () => {
  it.each<[Labels, Labels | undefined, string | undefined]>([
    [{ [ENFORCE]: 'restricted' }, {}, 'restricted'],
    [{ [ENFORCE]: 'baseline' }, {}, undefined],
    [{ [ENFORCE]: 'off' }, {}, undefined],
    [{ [ENFORCE]: 'off' }, { [ENFORCE]: 'off' }, undefined],
    [{}, { [ENFORCE]: 'off' }, 'baseline'],
    [{ [ENFORCE]: 'restricted' }, undefined, undefined],
  ])('is found: %j after %j is %s', (after, before, raised) => {
    expect(findRaisedLevel(labelled(after, before), configure())).toBe(raised);
  });
});

describe('Access that nobody approved', () => {
  const KEY = 'curfew.dev/api-access';
  const annotated = (reason: string) => ({ metadata: { annotations: { [KEY]: reason } } });
  const command = (what: string) => `kubectl annotate ${what} --overwrite ${KEY}="<why it needs the Kubernetes API>"`;
  const PATH = '/metadata/annotations/curfew.dev~1api-access';

  it.each<[string, Partial<Subject>, string]>([
    ['serviceaccounts', {}, 'serviceaccount web --namespace shop'],
    ['serviceaccounts', { name: '$(id)', namespace: '' }, 'serviceaccount ACCOUNT --namespace NAMESPACE'],
    ['namespaces', { name: 'shop', namespace: '' }, 'namespace shop'],
    ['namespaces', { name: '', namespace: '' }, 'namespace NAMESPACE'],
  ])('on %s with %j is told with the command', (resource, more, what) => {
    const [finding] = findUnapprovedAccess(subjectOf(resource, annotated('lists its own endpoints'), more));
    expect(finding).toMatchObject({
      path: PATH,
      key: 'approval',
      reason: 'API access that nobody approved',
      detail:
        'annotation curfew.dev/api-access gives access to the Kubernetes API, and setting it takes the verb approve on apiaccess.curfew.dev.',
    });
    expect(finding?.fix).toContain('leave the annotation out, and let someone who may approve set it: ');
    expect(finding?.fix).toContain(command(what).split('=')[0]);
  });

  it('is told twice where the reason says nothing', () => {
    const findings = findUnapprovedAccess(subjectOf('serviceaccounts', annotated('')));
    expect(findings.map(({ key, path, reason }) => [key, path, reason])).toEqual([
      ['approval', PATH, 'API access that nobody approved'],
      ['reason', PATH, 'a reason that documents nothing'],
    ]);
    expect(findings[1]?.detail).toMatch(/^annotation curfew\.dev\/api-access documents nothing: .+\.$/);
    expect(findings[1]?.fix).toMatch(
      /^say why it needs the API: kubectl annotate serviceaccount web --namespace shop /,
    );
  });
});

describe('The command that grants a right', () => {
  it.each([
    [undefined, 'curfew-relax-user', '--user=USER'],
    ['!!!', 'curfew-relax-user', '--user=USER'],
    ['system:serviceaccount:ci:deployer', 'curfew-relax-deployer', '--serviceaccount=ci:deployer'],
    [
      'x-system:serviceaccount:ci:deployer',
      'curfew-relax-x-system-serviceaccount-ci-deployer',
      '--user=x-system:serviceaccount:ci:deployer',
    ],
    [
      'system:serviceaccount:ci:deployer:x',
      'curfew-relax-system-serviceaccount-ci-deployer-x',
      '--user=system:serviceaccount:ci:deployer:x',
    ],
    ['a'.repeat(70), `curfew-relax-${'a'.repeat(63)}`, `--user=${'a'.repeat(70)}`],
  ])('to %s', (username, binding, who) => {
    const caller = username === undefined ? undefined : { ...JANE, username };
    expect(describeGrant(caller, 'curfew-relax')).toBe(
      `have an administrator allow it: kubectl create clusterrolebinding ${binding} --clusterrole=curfew-relax ${who}`,
    );
  });
});
