import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule, withMetadata } from '../objects/example-objects.ts';
import { isAggregated, listAggregations, listOpenSelectors } from '../objects/rbac/aggregation.ts';
import type { ListGrants } from '../objects/rbac/grants.ts';
import { listProduct } from '../objects/rbac/grants.ts';
import type { PolicyRule, RightTable } from '../objects/rbac/rules.ts';
import { ALL, listGranted, prepareRights } from '../objects/rbac/rules.ts';
import type { Subject } from '../objects/subject.ts';
import { joinSome, quote, toOneLine } from '../objects/text.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { isRole, judgeGrants, LIST_RESOURCES, LIST_SHORTLY, READS_ROLES } from './role-grants.ts';

/** What a reader should know to be among the resources of a rule for all of them, and the right that shows it. */
const TELLING: readonly { readonly words: string; readonly table: RightTable; readonly isClusterScoped?: boolean }[] = [
  { words: 'reading every Secret', table: prepareRights([{ verb: 'list', group: '', resource: 'secrets' }]) },
  {
    words: 'a token for every service account',
    table: prepareRights([{ verb: 'create', group: '', resource: 'serviceaccounts/token' }]),
  },
  {
    words: 'impersonation of anyone',
    table: prepareRights([{ verb: 'impersonate', group: '', resource: 'users' }]),
    isClusterScoped: true,
  },
  {
    words: 'adding rights to roles',
    table: prepareRights([{ verb: 'escalate', group: 'rbac.authorization.k8s.io', resource: 'roles' }]),
  },
];

const aggregated = (label: string) => ({
  ...exampleClusterRole(),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] },
});

const WORDS = { reason: 'rights granted by "*"', because: '; list what is needed' };

export default defineCheck({
  id: 'rbac-wildcard',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles with `*` as verb, resource or API group',
  why: `A \`*\` grants what nobody listed: Secrets, tokens and exec with the rest, and whatever a later version of Kubernetes
or a new custom resource brings. Verbs such as impersonate, bind and escalate are under \`*\` too. A list says what is
meant, and an auditor can read it. Rules for non-resource URLs are not looked at. A ClusterRole that is aggregated by an
empty selector holds the rules of every ClusterRole, cluster-admin among them; and one that is aggregated and carries a
label to be added to another one passes on rules that nobody can read when it is written.`,
  fix: () => LIST_RESOURCES,
  shortFix: () => LIST_SHORTLY,
  evaluate(subject) {
    const list: ListGrants = (rule) => (isOpen(rule) ? listProduct(rule, rule) : []);
    const describe = (rule: PolicyRule) => describeRule(subject, rule);
    return [
      ...judgeGrants(subject, { list, describe, wordsOf: () => WORDS, toldBy: [] }),
      ...judgeAggregationRule(subject),
    ];
  },
  examples: [
    {
      title: 'Everything',
      level: 'restricted',
      subject: { object: exampleClusterRole(exampleRule(['*'], ['*'], { verbs: ['*'] })) },
      expect: ['* *.*'],
    },
    {
      title: 'Every verb on two resources',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule(['', 'apps'], ['configmaps'], { verbs: ['*'] })) },
      expect: ['* configmaps', '* configmaps.apps'],
    },
    {
      title: 'Reading every resource of the core API group: Secrets are among them',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['*'], { verbs: ['get', 'list'] })) },
      expect: ['get *', 'list *'],
    },
    {
      title: 'A custom resource in whatever group',
      level: 'restricted',
      subject: { object: exampleClusterRole(exampleRule(['*'], ['widgets'], { verbs: ['get'] })) },
      expect: ['get widgets.*'],
    },
    {
      title: 'An old role that stays as it is: nothing is added, so it is only warned about',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleRole(exampleRule(['*'], ['*'], { verbs: ['*'] })),
        object: exampleRole(exampleRule(['*'], ['*'], { verbs: ['*'] })),
      },
      expect: ['* *.*'],
    },
    {
      title: 'A role that is aggregated from every other one',
      level: 'restricted',
      subject: { object: { ...exampleClusterRole(), aggregationRule: { clusterRoleSelectors: [{}] } } },
      expect: ['every ClusterRole'],
    },
    {
      title: 'A role that is aggregated, and added to another one',
      level: 'restricted',
      subject: {
        object: withMetadata(aggregated('rbac.authorization.k8s.io/aggregate-to-edit'), {
          labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
        }),
      },
      expect: ['label rbac.authorization.k8s.io/aggregate-to-view on an aggregated role'],
    },
    {
      title: 'A role that is aggregated from those with a label',
      level: 'restricted',
      subject: { object: aggregated('rbac.example.com/aggregate-to-monitoring') },
      expect: 'allowed',
    },
    {
      title: 'What is needed, listed',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['configmaps'], { verbs: ['get', 'list', 'watch'] })) },
      expect: 'allowed',
    },
    {
      title: 'One subresource of every resource, as autoscalers need it',
      level: 'restricted',
      subject: { object: exampleClusterRole(exampleRule(['apps'], ['*/scale'], { verbs: ['get', 'update'] })) },
      expect: 'allowed',
    },
    {
      title: 'Paths that are no resources',
      level: 'restricted',
      subject: { object: exampleClusterRole({ nonResourceURLs: ['*'], verbs: ['*'] }) },
      expect: 'allowed',
    },
    {
      title: 'A role without rules',
      level: 'restricted',
      subject: { object: exampleRole() },
      expect: 'allowed',
    },
  ],
});

/** What the aggregation controller writes into a role, it writes past every check: the selector is what can be judged. */
function judgeAggregationRule({ object, resource }: Subject): readonly Finding[] {
  if (resource.name !== 'clusterroles' || !isAggregated(object)) return [];
  const open = listOpenSelectors(object).slice(0, 1);
  return [
    ...open.map((path) => ({
      path,
      key: 'every ClusterRole',
      reason: 'rights of every ClusterRole',
      detail:
        'The selector has no requirement and so selects every ClusterRole, cluster-admin among them; a label that chosen roles carry is wanted.',
      fix: 'select by a label: matchLabels: {"rbac.example.com/aggregate-to-NAME": "true"}',
      shortFix: 'select by a label',
    })),
    // Where it has rules of interest already, the checks for those tell of the label.
    ...listAggregations(object).map(({ label, key, path, role }) => ({
      path,
      key: `${key} on an aggregated role`,
      reason: 'passes on rights of other roles',
      detail: `Label ${quote(label)} is "true" on a role that is aggregated itself: whatever it is given is given to everyone bound to ClusterRole ${quote(role)} too; no such label is wanted here.`,
      fix: `remove the label, and give it to the roles whose rules ClusterRole ${toOneLine(role)} is to have`,
      shortFix: 'remove the label',
    })),
  ];
}

function isOpen({ isForAllResources, verbs, groups }: PolicyRule): boolean {
  return isForAllResources || verbs.includes(ALL) || groups.includes(ALL);
}

/** The whole rule in words: `rules[0] allows every verb on secrets of the core API group`. */
function describeRule(subject: Subject, rule: PolicyRule): string {
  const verbs = rule.verbs.includes(ALL) ? 'every verb ("*")' : joinSome(rule.verbs.map(quote));
  const resources = rule.isForAllResources ? 'every resource ("*")' : joinSome(rule.resources.map(quote));
  const groups = rule.groups.includes(ALL) ? 'every API group ("*")' : joinSome(rule.groups.map(describeGroup));
  const telling = rule.isForAllResources ? listTelling(subject, rule) : [];
  const included = telling.length === 0 ? '' : `, which includes ${joinSome(telling, TELLING.length)}`;
  const limit = rule.names.length === 0 ? '' : ` named ${joinSome(rule.names.map(quote))}`;
  return `rules[${rule.index}] allows ${verbs} on ${resources}${limit} of ${groups}${included}`;
}

function listTelling(subject: Subject, rule: PolicyRule): readonly string[] {
  if (rule.names.length > 0) return [];
  return TELLING.filter(
    ({ table, isClusterScoped = false }) =>
      !(isClusterScoped && isRole(subject)) && listGranted(rule, table).length > 0,
  ).map(({ words }) => words);
}

function describeGroup(group: string): string {
  return group === '' ? 'the core API group' : `API group ${quote(group)}`;
}
