import { describe, expect, it } from 'vitest';
import { exampleClusterRole, exampleRole, exampleRule, withMetadata } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString, valueAt } from '../../../src/objects/json.ts';
import type { ActiveLevel } from '../../../src/objects/level.ts';
import { judgeWith } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

const EVERYTHING = exampleRule(['*'], ['*'], { verbs: ['*'] });
const RBAC = 'rbac.authorization.k8s.io';

type Sent = { readonly level: ActiveLevel; readonly oldObject?: JsonObject; readonly configuration?: JsonObject };

function verdictOf(object: JsonObject, { level, oldObject, configuration = {} }: Sent) {
  const isRole = object['kind'] === 'Role';
  const subject = subjectOf(`${isRole ? 'roles' : 'clusterroles'}.${RBAC}`, object, {
    namespace: isRole ? 'shop' : '',
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
    ...(oldObject === undefined ? {} : { operation: 'UPDATE', oldObject }),
  });
  const levels = { enforce: level, clusterScoped: { enforce: level } };
  return judgeWith(subject, { configuration: { levels, ...configuration } }).verdict;
}

/** The checks that speak, of a denial or of warnings. */
function speakers(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => [...text.matchAll(/^(?: {2}|curfew )(rbac-[a-z-]+)/gm)].map(([, id = '']) => id));
}

describe('A rule for all resources', () => {
  it('is one problem at restricted, told by the check of wildcards', () => {
    const { denial = '', warnings } = verdictOf(exampleClusterRole(EVERYTHING), { level: 'restricted' });
    expect(denial).toContain('ClusterRole web: 1 problem\n');
    expect({ denied: speakers([denial]), warned: speakers(warnings) }).toEqual({
      denied: ['rbac-wildcard'],
      warned: [],
    });
  });

  it('is one problem at baseline, told by the check of tokens, and one warning', () => {
    const { denial = '', warnings } = verdictOf(exampleClusterRole(EVERYTHING), { level: 'baseline' });
    expect(denial).toContain('ClusterRole web: 1 problem\n');
    expect({ denied: speakers([denial]), warned: speakers(warnings) }).toEqual({
      denied: ['rbac-token-request'],
      warned: ['rbac-wildcard'],
    });
  });

  it('is told by each check that denies it where those two do not', () => {
    const checks = { 'rbac-wildcard': { mode: 'off' }, 'rbac-token-request': { mode: 'off' } };
    const { denial = '' } = verdictOf(exampleClusterRole(EVERYTHING), { level: 'baseline', configuration: { checks } });
    expect(new Set(speakers([denial]))).toEqual(new Set(['rbac-impersonate', 'rbac-escalate']));
  });

  it('does not hide another rule of the same role', () => {
    const exec = exampleRule([''], ['pods/exec'], { verbs: ['create'] });
    const { denial = '' } = verdictOf(exampleRole(EVERYTHING, exec), { level: 'restricted' });
    expect(denial).toContain('rbac-wildcard at /rules/0');
    expect(denial).toContain('rbac-pod-exec at /rules/1');
  });

  it('leaves what is found in another rule alone to the check that finds it', () => {
    const core = exampleRule([''], ['*'], { verbs: ['get'] });
    const escalate = exampleRule([RBAC], ['clusterroles'], { verbs: ['escalate'] });
    const { denial = '' } = verdictOf(exampleClusterRole(core, escalate), { level: 'restricted' });
    expect(denial.match(/^ {2}rbac-.*$/gm)).toEqual(['  rbac-wildcard at /rules/0', '  rbac-escalate at /rules/1']);
  });

  it('leaves every check in the audit annotation', () => {
    const { auditAnnotations } = verdictOf(exampleClusterRole(EVERYTHING), { level: 'restricted' });
    for (const id of ['rbac-wildcard', 'rbac-secret-read', 'rbac-node-proxy'])
      expect(auditAnnotations.get('deny')).toContain(`${id} at /rules/0`);
  });

  it('may become a list of what was under it, Secrets and tokens too', () => {
    const listed = [
      exampleRule([''], ['secrets', 'pods', 'pods/exec', 'serviceaccounts/token'], { verbs: ['get', 'create'] }),
      exampleRule(['apps'], ['deployments'], { verbs: ['*'], names: ['web'] }),
    ];
    for (const level of ['baseline', 'restricted'] as const) {
      const { denial } = verdictOf(exampleRole(...listed), { level, oldObject: exampleRole(EVERYTHING) });
      expect(denial).toBeUndefined();
    }
  });
});

describe('A role that is being deleted', () => {
  it('is judged like any other: its finalizer keeps it alive, and the authorizer grants what it says', () => {
    const metadata = { name: 'web', namespace: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] };
    const oldObject = { ...exampleRole(), metadata };
    const object = { ...exampleRole(exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'] })), metadata };
    expect(verdictOf(object, { level: 'baseline', oldObject }).denial).toContain('rbac-token-request at /rules/0');
  });
});

describe('A role that calls itself one of the system’s own', () => {
  // Anyone may write that name and that label; only who writes is looked at.
  const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults', 'addonmanager.kubernetes.io/mode': 'Reconcile' };
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };
  const token = exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'] });

  it.each([
    ['ClusterRole', 'system:controller:mine', exampleClusterRole(token)],
    ['ClusterRole', 'cluster-admin', exampleClusterRole(EVERYTHING)],
    ['ClusterRole', 'edit', exampleClusterRole(token)],
    ['Role', 'system:mine', exampleRole(token)],
  ])('is denied like any other: %s %s', (kind, name, role) => {
    const metadata = { name, labels, annotations, ...(kind === 'Role' ? { namespace: 'shop' } : {}) };
    expect(verdictOf({ ...role, metadata }, { level: 'baseline' }).denial).toContain('rbac-token-request at /rules/0');
  });
});

describe('An aggregated ClusterRole', () => {
  it('is judged by the rules that a person wrote into it', () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
    const token = exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'] });
    expect(verdictOf({ ...exampleClusterRole(token), aggregationRule }, { level: 'baseline' }).denial).toContain(
      'rbac-token-request',
    );
  });
});

describe('The largest roles', () => {
  const many = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const names = many('n', 50_000);

  it.each<[string, readonly JsonObject[]]>([
    [
      '10,000 groups and 10,000 resources',
      [exampleRule(['*', ...many('g', 10_000)], many('r', 10_000), { verbs: ['*'] })],
    ],
    ['every verb on 30,000 resources', [exampleRule(many('g', 30_000), many('r', 30_000), { verbs: ['*'] })]],
    ['everything for 50,000 names', [exampleRule(['*'], ['*'], { verbs: ['*'], names })]],
    ['extra fields and names', [exampleRule(['*'], many('userextras/', 20_000), { verbs: ['*'], names })]],
    [
      'thousands of verbs of impersonation',
      [exampleRule(many('g', 9_000), many('r', 9_000), { verbs: many('impersonate-on:a:', 9_000) })],
    ],
    ['6,000 rules', Array.from({ length: 6_000 }, () => exampleRule([''], ['secrets'], { verbs: ['*'] }))],
    [
      '4,000 rules of a name each',
      many('n', 4_000).map((name) => exampleRule([''], ['pods'], { verbs: ['*'], names: [name] })),
    ],
  ])('with %s are judged, in a bounded message, and may stay as they are', (_what, rules) => {
    const role = exampleClusterRole(...rules);
    const { denial } = verdictOf(role, { level: 'restricted' });
    expect(denial?.length).toBeLessThanOrEqual(4_100);
    const labelled = { ...role, metadata: { name: 'web', labels: { a: 'b' } } };
    expect(verdictOf(labelled, { level: 'restricted', oldObject: role }).denial).toBeUndefined();
  });
});

describe('A label that adds a ClusterRole to another one', () => {
  const role = exampleClusterRole(exampleRule([''], ['secrets'], { verbs: ['list'] }));
  const labelled = (labels: JsonObject, object: JsonObject = role) => withMetadata(object, { labels });
  const TO_VIEW = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const denialOf = (object: JsonObject, oldObject: JsonObject) =>
    verdictOf(object, { level: 'restricted', oldObject }).denial ?? 'allowed';

  it.each([
    ['the label of the built-in roles', TO_VIEW, 'view'],
    ['a label of the same form', { 'rbac.example.com/aggregate-to-monitoring': 'true' }, 'monitoring'],
  ])('is refused on an old role: %s', (_what, labels, name) => {
    const denial = denialOf(labelled(labels), role);
    expect(denial).toContain('ClusterRole web: 1 problem\n');
    expect(denial).toContain(`everyone bound to ClusterRole "${name}"`);
  });

  it('is refused where it is the second one, and told alone', () => {
    const more = { ...TO_VIEW, 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' };
    const denial = denialOf(labelled(more), labelled(TO_VIEW));
    expect(denial).toContain('aggregate-to-edit');
    expect(denial).not.toContain('aggregate-to-view');
  });

  it('is told once where a check tells of all resources', () => {
    const everything = exampleClusterRole(EVERYTHING);
    expect(denialOf(labelled(TO_VIEW, everything), everything)).toContain('ClusterRole web: 1 problem\n');
  });

  it.each([
    ['that stays', labelled(TO_VIEW), labelled(TO_VIEW)],
    ['that goes', role, labelled(TO_VIEW)],
    ['that says no', labelled({ 'rbac.authorization.k8s.io/aggregate-to-view': 'false' }), role],
    ['of another form', labelled({ 'aggregate-to-view': 'true', 'example.com/team': 'true' }), role],
    ['on a role that grants nothing of this', labelled(TO_VIEW, exampleClusterRole()), exampleClusterRole()],
  ])('is not refused: one %s', (_what, object, oldObject) => {
    expect(denialOf(object, oldObject)).toBe('allowed');
  });

  it('is refused where the same update narrows every verb to one that nobody is told of', () => {
    const old = exampleClusterRole(exampleRule([''], ['configmaps'], { verbs: ['*'] }));
    const narrowed = exampleClusterRole(
      exampleRule([''], ['configmaps'], { verbs: ['impersonate-on:serviceaccount:get'] }),
    );
    expect(denialOf(narrowed, old)).toBe('allowed');
    expect(denialOf(labelled(TO_VIEW, narrowed), old)).toContain('rbac-impersonate at /metadata/labels/');
  });

  it('is refused where it is one more than anybody reads, of thousands', () => {
    const many = (count: number) =>
      labelled(Object.fromEntries(Array.from({ length: count }, (_, at) => [`a/aggregate-to-x${at}`, 'true'])));
    expect(denialOf(many(3_000), many(3_000))).toBe('allowed');
    expect(denialOf(many(3_001), many(3_000))).toContain('rbac-secret-read at /metadata/labels/a~1aggregate-to-x');
    expect(denialOf(many(3_000), role).length).toBeLessThanOrEqual(4_096);
  });
});
