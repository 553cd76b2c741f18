import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import type { ListGrants } from '../objects/rbac/grants.ts';
import { listProduct, listRights } from '../objects/rbac/grants.ts';
import type { GrantProduct } from '../objects/rbac/products.ts';
import type { PolicyRule } from '../objects/rbac/rules.ts';
import { ALL } from '../objects/rbac/rules.ts';
import type { Subject } from '../objects/subject.ts';
import { defineCheck } from './define-check.ts';
import { isRole, judgeGrants, prepareRoleTables, READS_ROLES, TOLD_BY_OTHERS, tableFor } from './role-grants.ts';

/** API group of all that is impersonated but, with the old verb, users, groups and service accounts. */
const AUTHENTICATION = 'authentication.k8s.io';
const EXTRAS = 'userextras/';
/** `*` with a subresource grants it of every resource. */
const EVERY_PARENT = '*/';

const OLD_VERB = 'impersonate';
/** With verbs of the form `impersonate:MODE` one says who: the first half of constrained impersonation (KEP-5284). */
const USER_VERB = 'impersonate:user-info';
/** The node on which the caller's own pod runs, and no other; the name that is asked for is always `*`. */
const OWN_NODE_VERB = 'impersonate:associated-node';
/** What one may do as them: the second half, on the resource that it is done to. */
const DO_PREFIX = 'impersonate-on:';

/** kubernetes/apiserver pkg/endpoints/filters/impersonation: which attributes are asked for with which verb. */
const TABLES = prepareRoleTables([
  { verb: OLD_VERB, group: '', resource: 'serviceaccounts' },
  ...['users', 'groups'].map((resource) => ({ verb: OLD_VERB, group: '', resource, isClusterScoped: true })),
  ...[OLD_VERB, USER_VERB].map((verb) => ({
    verb,
    group: AUTHENTICATION,
    resource: 'uids',
    isClusterScoped: true,
  })),
  ...['users', 'groups'].map((resource) => ({
    verb: USER_VERB,
    group: AUTHENTICATION,
    resource,
    isClusterScoped: true,
  })),
  { verb: 'impersonate:serviceaccount', group: AUTHENTICATION, resource: 'serviceaccounts' },
  { verb: 'impersonate:arbitrary-node', group: AUTHENTICATION, resource: 'nodes', isClusterScoped: true },
  { verb: OWN_NODE_VERB, group: AUTHENTICATION, resource: 'nodes', isClusterScoped: true },
]);

const OLD_WORDS = {
  reason: 'acts as somebody else',
  because:
    ': its holder has every right of those it acts as, and needs none of their tokens; create on serviceaccounts/token with resourceNames is wanted',
};
const NEW_WORDS = {
  reason: 'acts as somebody else',
  because: ': without resourceNames it is not said as whom; name them',
  fix: 'name whom: resourceNames: ["NAME"] beside verb impersonate:serviceaccount, and what is done as them with verbs such as impersonate-on:serviceaccount:get',
  shortFix: 'name whom in resourceNames',
};
const NAMED_WORDS = {
  ...NEW_WORDS,
  because: ': at level restricted nobody acts as somebody else; a token of its own with the rights it needs is wanted',
  fix: 'grant the rights themselves to the account that needs them, and drop the impersonate verbs',
  shortFix: 'grant the rights themselves',
};

export default defineCheck({
  id: 'rbac-impersonate',
  since: '0.1',
  levels: { baseline: { isNamedAllowed: true }, restricted: { isNamedAllowed: false } },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow impersonation',
  why: `Impersonation is every token at once, without one: the request runs with the rights of the user, group or service
account it names, and the group system:masters may do everything. The verb impersonate is refused with names too; a
token for a named account does the same and ends by itself. Constrained impersonation (KEP-5284, on since Kubernetes
1.36) says whom (impersonate:serviceaccount) and what (impersonate-on:serviceaccount:get): baseline refuses it where
no name says whom, restricted refuses it all. impersonate:associated-node, the node of the caller's own pod, counts as
named.`,
  fix: () =>
    'let it make a token of the account instead: {apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["NAME"], verbs: ["create"]}',
  shortFix: () => 'grant serviceaccounts/token with resourceNames',
  evaluate(subject, { limits }) {
    const { isNamedAllowed } = limits;
    return judgeGrants(subject, {
      list: listImpersonation(subject, isNamedAllowed),
      ...(isNamedAllowed ? {} : { untold: listEveryVerb }),
      wordsOf: (grant) => {
        if (grant.verb === OLD_VERB) return OLD_WORDS;
        return isLimited(grant.verb, grant.name !== undefined) ? NAMED_WORDS : NEW_WORDS;
      },
      toldBy: TOLD_BY_OTHERS,
    });
  },
  examples: [
    {
      title: 'Acting as any user and any group, system:masters among them',
      level: 'baseline',
      subject: { object: exampleClusterRole(exampleRule([''], ['users', 'groups'], { verbs: ['impersonate'] })) },
      expect: ['impersonate users', 'impersonate groups'],
    },
    {
      title: 'Acting as one service account by name',
      level: 'baseline',
      subject: {
        object: exampleRole(exampleRule([''], ['serviceaccounts'], { verbs: ['impersonate'], names: ['ci'] })),
      },
      expect: ['impersonate serviceaccounts named ci'],
    },
    {
      title: 'Extra fields of a user, such as the pod a token is bound to',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['userextras/scopes', 'uids'], { verbs: ['impersonate'] }),
        ),
      },
      expect: ['impersonate userextras.authentication.k8s.io/scopes', 'impersonate uids.authentication.k8s.io'],
    },
    {
      title: 'Every extra field where a single one, called *, was allowed',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['uids', 'userextras/*'], { verbs: ['impersonate'] }),
        ),
        object: exampleClusterRole(exampleRule(['authentication.k8s.io'], ['*'], { verbs: ['impersonate'] })),
      },
      expect: ['impersonate uids.authentication.k8s.io', 'impersonate *.authentication.k8s.io'],
    },
    {
      title: 'Constrained impersonation of any service account',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['serviceaccounts'], { verbs: ['impersonate:serviceaccount'] }),
          exampleRule([''], ['pods'], { verbs: ['impersonate-on:serviceaccount:list'] }),
        ),
      },
      expect: ['impersonate:serviceaccount serviceaccounts.authentication.k8s.io'],
    },
    {
      title: 'Constrained impersonation of one service account, where nobody is to act as somebody else',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['serviceaccounts'], {
            verbs: ['impersonate:serviceaccount'],
            names: ['ci'],
          }),
          exampleRule([''], ['pods'], { verbs: ['impersonate-on:serviceaccount:list'] }),
        ),
      },
      expect: [
        'impersonate:serviceaccount serviceaccounts.authentication.k8s.io named ci',
        'impersonate-on:serviceaccount:list pods',
      ],
    },
    {
      title: 'Everything narrowed to what may be done as an account: no right is added, so nothing is refused',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleRole(exampleRule(['*'], ['*'], { verbs: ['*'] })),
        object: exampleRole(exampleRule([''], ['pods'], { verbs: ['impersonate-on:serviceaccount:list'] })),
      },
      expect: 'allowed',
    },
    {
      title: 'Constrained impersonation of one service account, to read pods',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['serviceaccounts'], {
            verbs: ['impersonate:serviceaccount'],
            names: ['ci'],
          }),
          exampleRule([''], ['pods'], { verbs: ['impersonate-on:serviceaccount:list'] }),
        ),
      },
      expect: 'allowed',
    },
    {
      title: 'A node agent that acts as its own node',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['authentication.k8s.io'], ['nodes'], { verbs: ['impersonate:associated-node'] }),
          exampleRule([''], ['pods'], { verbs: ['impersonate-on:associated-node:list'] }),
        ),
      },
      expect: 'allowed',
    },
    {
      title: 'A Role: users are in no namespace, so it grants nothing',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['users'], { verbs: ['impersonate'] })) },
      expect: 'allowed',
    },
  ],
});

/** Limited in whom: by name, or to the own node; what is done as them is limited by whom. */
function isLimited(verb: string, isNamed: boolean): boolean {
  return isNamed || verb === OWN_NODE_VERB || verb.startsWith(DO_PREFIX);
}

function listImpersonation(subject: Subject, isNamedAllowed: boolean): ListGrants {
  const listFixed = listRights(tableFor(subject, TABLES), () => true);
  const isJudged = ({ verbs, names }: GrantProduct) =>
    verbs.includes(OLD_VERB) || !isNamedAllowed || !verbs.every((verb) => isLimited(verb, names !== undefined));
  return function* list(rule) {
    for (const product of listFixed(rule)) if (isJudged(product)) yield product;
    if (!isRole(subject)) yield* listExtras(rule, isNamedAllowed);
    if (!isNamedAllowed) {
      const verbs = rule.verbs.filter((verb) => verb.startsWith(DO_PREFIX));
      yield* listProduct(rule, { ...rule, verbs });
    }
  };
}

/** Where every verb is granted, so is each that begins with `impersonate-on:`. */
function listEveryVerb(rule: PolicyRule): Iterable<GrantProduct> {
  return rule.verbs.includes(ALL) ? listProduct(rule, { ...rule, verbs: [ALL] }) : [];
}

/** Extra fields have any name: those that the rule lists, or all by `*`; a resource `userextras/*` is one called `*`. */
function listExtras(rule: PolicyRule, isNamedAllowed: boolean): Iterable<GrantProduct> {
  const isAnyVerb = rule.verbs.includes(ALL);
  const isUserVerbAllowed = isNamedAllowed && rule.names.length > 0;
  const verbs = [OLD_VERB, ...(isUserVerbAllowed ? [] : [USER_VERB])].filter(
    (verb) => isAnyVerb || rule.verbs.includes(verb),
  );
  const isAnyGroup = rule.groups.includes(ALL) || rule.groups.includes(AUTHENTICATION);
  if (verbs.length === 0 || !isAnyGroup) return [];
  const resources = rule.isForAllResources
    ? [ALL]
    : rule.resources.flatMap((resource) => {
        if (resource.startsWith(EXTRAS)) return [resource];
        return resource.startsWith(EVERY_PARENT) ? [`${EXTRAS}${resource.slice(EVERY_PARENT.length)}`] : [];
      });
  return listProduct(rule, { verbs, groups: [AUTHENTICATION], resources });
}
