/** What other engines refuse of the rules of roles, and the checks of Curfew that refuse it. */

import type { JsonPath } from '../objects/json.ts';
import type { Claim, Reading } from './reading.ts';
import { joinReadings, leave } from './reading.ts';

/** A rule of a role is refused if it has one of each list that is given. */
export type RoleShape = {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
};

export const LISTS_OF_RULES = ['apiGroups', 'resources', 'verbs'] as const;

type RoleForm = {
  readonly id: string;
  /** The shape must name one of these, and nothing outside of them. */
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
  readonly loses: readonly string[];
  readonly differs: readonly string[];
};

const NAMED = 'a rule with resourceNames passes';

/** Each reads `*` as well; the check of a verb is asked before those of resources. */
const ROLE_FORMS: readonly RoleForm[] = [
  {
    id: 'rbac-escalate',
    verbs: ['bind', 'escalate'],
    resources: ['roles', 'clusterroles'],
    loses: ['bind of harmless roles by resourceNames passes'],
    differs: ['approve on certificate signers is refused too'],
  },
  { id: 'rbac-impersonate', verbs: ['impersonate'], loses: [], differs: ['whatever resource it is granted on'] },
  { id: 'rbac-secret-read', resources: ['secrets'], verbs: ['get', 'list', 'watch'], loses: [NAMED], differs: [] },
  { id: 'rbac-token-request', resources: ['serviceaccounts/token'], verbs: ['create'], loses: [NAMED], differs: [] },
  { id: 'rbac-node-proxy', resources: ['nodes/proxy'], loses: [], differs: [] },
  {
    id: 'rbac-pod-exec',
    resources: ['pods/exec', 'pods/attach', 'pods/ephemeralcontainers'],
    loses: [],
    differs: ['exec, attach and debug containers are refused together'],
  },
  {
    id: 'rbac-workload-create',
    resources: ['pods', 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'jobs', 'cronjobs'],
    verbs: ['create', 'update', 'patch'],
    loses: [],
    differs: ['every kind that makes pods is meant'],
  },
];

const WILDCARD: Pick<Claim, 'id' | 'loses' | 'differs'> = {
  id: 'rbac-wildcard',
  loses: [],
  differs: ['* is refused as verb, as resource and as API group'],
};
/** A shape with verbs alone is in rules for URLs too. */
const URLS = 'rules for nonResourceURLs pass';

/** The checks that refuse such rules of roles. */
export function readRoleShape(shape: RoleShape, at: JsonPath): Reading {
  const by = describeShape(shape);
  const lists = LISTS_OF_RULES.flatMap((key) => (shape[key] === undefined ? [] : [shape[key]]));
  const claims = (forms: readonly Pick<Claim, 'id' | 'loses' | 'differs'>[]): Reading => ({
    claims: forms.map(({ id, loses, differs }) => ({ id, loses, differs, does: 'check', at, by })),
    unread: [],
  });
  if (lists.length === 0) return leave(at, 'it refuses every rule of a role, which no check does');
  if (lists.every((list) => list.every((entry) => entry === '*'))) {
    return claims([shape.verbs !== undefined && lists.length === 1 ? { ...WILDCARD, loses: [URLS] } : WILDCARD]);
  }
  const forms = ROLE_FORMS.filter((form) => isAbout(shape, form));
  const unknown = listUnknown(shape, forms);
  if (forms.length === 0 || unknown.length > 0) {
    return leave(at, `no check looks for ${unknown.length === 0 ? by : unknown.join(', ')} in roles`);
  }
  return claims(forms);
}

/** A condition that is true where one of several shapes is in a rule. */
export function readRoleShapes(shapes: readonly RoleShape[], at: JsonPath): Reading {
  return joinReadings(shapes.map((shape) => readRoleShape(shape, at)));
}

function isAbout({ verbs, resources }: RoleShape, form: RoleForm): boolean {
  const hasVerb = form.verbs === undefined || verbs === undefined || intersects(verbs, form.verbs);
  const hasResource = form.resources === undefined || resources === undefined || intersects(resources, form.resources);
  // A form that is known by its verb is not meant by a shape without one, and the other way round.
  const isNamed =
    form.id === 'rbac-escalate' || form.id === 'rbac-impersonate' ? verbs !== undefined : resources !== undefined;
  const isMeant = form.id === 'rbac-impersonate' ? verbs?.includes('impersonate') === true : hasVerb && hasResource;
  return isNamed && isMeant;
}

function intersects(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.includes(one));
}

/** Verbs and resources that no form found in the shape stands for. */
function listUnknown({ verbs = [], resources = [] }: RoleShape, forms: readonly RoleForm[]): readonly string[] {
  const known = (key: 'verbs' | 'resources') => new Set(['*', ...forms.flatMap((form) => form[key] ?? [])]);
  const isFree = (key: 'verbs' | 'resources') => forms.length > 0 && forms.every((form) => form[key] === undefined);
  return [
    ...verbs.filter((verb) => !isFree('verbs') && !known('verbs').has(verb)),
    ...resources.filter((resource) => !isFree('resources') && !known('resources').has(resource)),
  ];
}

/** `rules with verbs get, list and resources secrets`. */
function describeShape(shape: RoleShape): string {
  const parts = LISTS_OF_RULES.flatMap((key) =>
    shape[key] === undefined ? [] : [`${key} ${shape[key].map((entry) => entry || '""').join(', ')}`],
  );
  return `rules with ${parts.join(' and ')}`;
}
