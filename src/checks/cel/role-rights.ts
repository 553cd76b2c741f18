/**
 * The checks that look for rights of a table in Roles and ClusterRoles, in CEL: what `role-grants.ts` is in TypeScript.
 * A rule is asked for each right of the table, which CEL has written out.
 */

import { everyParent, isNameless, type Right, type RightTable } from '../../objects/rbac/rules.ts';
import { LIST_SHORTLY } from '../role-grants.ts';
import { findingCel, quoteCel } from './cel-text.ts';
import type { CelBound, CelForm, CelPlace } from './define-cel.ts';

const MOST_RULES = 200;
/** Verbs, groups, resources and names of all rules together. */
const MOST_ENTRIES = 4_000;
/** Of these entries: to find where a rule is, the API server goes through all of them. */
const MOST_CHARACTERS = 50_000;
/** In the rules that give what is looked for, where names count: the place of each is looked up. */
const MOST_NAMES = 40;

export type RoleRights = {
  readonly rights: RightTable;
  /** Rights that a Role cannot give are not looked for in one. */
  readonly reasonOf: (right: Right) => string;
  /** Whether a right that is limited to names is found too. */
  readonly countsNames: boolean;
};

const ADDED = 'added to another role';
const AGGREGATING = '^[^/]+/aggregate-to-(.+)$';

export function celOfRights({ rights: table, reasonOf, countsNames }: RoleRights): CelForm {
  const rights = table.rights.map(({ right }) => right);
  return {
    reasons: [...new Set([...rights.map(reasonOf), ADDED])],
    ...(countsNames ? { hasWideKeys: true as const } : {}),
    left: 'that a rule for "*" resources is told once, by rbac-wildcard: each policy tells it',
    bounds: (place) => [
      { count: `size(${rulesOf(place)})`, most: MOST_RULES, noun: 'rules' },
      {
        count: `${rulesOf(place)}.map(r, ${ENTRIES}).sum()`,
        most: MOST_ENTRIES,
        noun: 'verbs, groups, resources and names',
      },
      {
        count: `${rulesOf(place)}.map(r, ${CHARACTERS}).sum()`,
        most: MOST_CHARACTERS,
        noun: 'characters in its rules',
      },
      ...(countsNames ? [nameBound(place, rights)] : []),
    ],
    variables: (place) => rights.flatMap((right, index) => variablesOf(place, { right, index, countsNames })),
    findings(place) {
      const byRule = rights.map((right, index) =>
        findingsOfRule(place, { right, index, reason: reasonOf(right), countsNames }),
      );
      const grants = `${rulesOf(place)}.map(r, ${byRule.join(' + ')}).filter(g, size(g) > 0)`;
      return `(${grants}) + ${labelsCel(place, rights, countsNames)}`;
    },
  };
}

const LISTS = ['verbs', 'apiGroups', 'resources', 'resourceNames'];
const CHARACTERS = LISTS.map((key) => `r.?${key}.orValue([]).map(e, size(e)).sum()`).join(' + ');
const ENTRIES = LISTS.map((key) => `size(r.?${key}.orValue([]))`).join(' + ');

function rulesOf({ object }: Pick<CelPlace, 'object'>): string {
  // Null where there is none.
  return `(has(${object}.rules) && dyn(${object}.rules) != null ? ${object}.rules : [])`;
}

function nameBound(place: CelPlace, rights: readonly Right[]): CelBound {
  const giving = rights.map((right) => `(${grantsCel(right)})`).join(' || ');
  return {
    count: `${rulesOf(place)}.filter(r, ${giving}).map(r, size(r.?resourceNames.orValue([]))).sum()`,
    most: MOST_NAMES,
    noun: 'names in rules that give this',
  };
}

type One = { readonly right: Right; readonly index: number; readonly countsNames: boolean };

const hasAny = (key: string, texts: readonly string[]) =>
  `(${texts.map((text) => `${quoteCel(text)} in r.?${key}.orValue([])`).join(' || ')})`;

/** True if the rule `r` grants the right, for some name at least. */
function grantsCel({ verb, group, resource }: Right): string {
  const parent = everyParent(resource);
  return [
    hasAny('verbs', ['*', verb]),
    hasAny('apiGroups', ['*', group]),
    hasAny('resources', ['*', resource, ...(parent === undefined ? [] : [parent])]),
  ].join(' && ');
}

/** True if it does so whatever the name. */
function isUnlimited(right: Right): string {
  const names = 'r.?resourceNames.orValue([])';
  return isNameless(right) ? `(size(${names}) == 0 || "" in ${names})` : `size(${names}) == 0`;
}

/** A rule that names it is told rather than one that has it by a `*`. */
function variablesOf(place: CelPlace, { right, index, countsNames }: One): readonly (readonly [string, string])[] {
  const [giving, all] = [place.own(`giving${index}`), place.own(`all${index}`)];
  return [
    [`giving${index}`, `${rulesOf(place)}.filter(r, ${grantsCel(right)}${ofKind(right)})`],
    [`all${index}`, `${giving}.filter(r, ${isUnlimited(right)})`],
    [
      `best${index}`,
      `${all}.exists(r, !("*" in r.resources)) ? ${all}.filter(r, !("*" in r.resources))[0] : ${all}[0]`,
    ],
    [`place${index}`, pathOf(place, place.own(`best${index}`))],
    ...(countsNames
      ? ([[`named${index}`, `${giving}.filter(r, !(${isUnlimited(right)}) && !("*" in r.resources))`]] as const)
      : []),
  ];
}

/** A look at every rule: done once, and not for each finding. */
function pathOf(place: CelPlace, rule: string): string {
  return `"/rules/" + string(${rulesOf(place)}.indexOf(${rule}))`;
}

function ofKind({ isClusterScoped = false }: Right): string {
  return isClusterScoped ? ' && request.resource.resource == "clusterroles"' : '';
}

function findingsOfRule(
  place: CelPlace,
  { right, index, reason, countsNames }: One & { readonly reason: string },
): string {
  const key = quoteCel(keyOf(right));
  const best = place.own(`best${index}`);
  const fix = (rule: string) => `("*" in ${rule}.resources ? ${quoteCel(LIST_SHORTLY)} : "")`;
  const path = (rule: string) => pathOf(place, rule);
  const whole = findingCel({
    key,
    path: place.own(`place${index}`),
    why: reason,
    fix: fix(best),
    ...(countsNames ? { wide: key } : {}),
  });
  const grants = `${grantsCel(right)}${ofKind(right)}`;
  if (!countsNames) return `(${grants} && ${isUnlimited(right)} ? [${whole}] : [])`;
  // In the place of the first rule that has it, and at the one that names it.
  const better = `${place.own(`named${index}`)}.filter(o, n in o.resourceNames)`;
  const isBetter = `"*" in r.resources && size(${better}) > 0`;
  const named = findingCel({
    key: `${quoteCel(`${keyOf(right)} named `)} + n`,
    path: `(${isBetter} ? ${path(`${better}[0]`)} : p)`,
    why: reason,
    fix: `(${isBetter} ? "" : ${fix('r')})`,
    wide: key,
  });
  // Where the rule is, is looked up once and not for each name: whole rules are compared for it.
  const ofNames = `[${path('r')}].map(p, r.?resourceNames.orValue([]).map(n, ${named}))[0]`;
  return `(!(${grants}) ? [] : ${isUnlimited(right)} ? [${whole}] : ${ofNames})`;
}

/** The key of the grant, as `keyOf` in `objects/rbac/grants.ts` writes it for rights of the core group. */
function keyOf({ verb, group, resource }: Right): string {
  const [base = '', ...below] = resource.split('/');
  return `${verb} ${[`${base}${group === '' ? '' : `.${group}`}`, ...below].join('/')}`;
}

/** Labels by which others are given what was found: the one that comes first is told. */
function labelsCel(place: CelPlace, rights: readonly Right[], countsNames: boolean): string {
  const { object } = place;
  const labels = `${object}.metadata.?labels.orValue({})`;
  const added = `${labels}.filter(l, l.matches(${quoteCel(AGGREGATING)}) && ${object}.metadata.labels[l] == "true")`;
  const first = `"/metadata/labels/" + ${added}.min().replace("~", "~0").replace("/", "~1")`;
  const grants = rights
    .map((_, index) => `size(${place.own(`${countsNames ? 'giving' : 'all'}${index}`)}) > 0`)
    .join(' || ');
  // The rules that give something were picked out before: names are looked for in them alone.
  const newRights = rights.flatMap((right, index) => {
    const unlimited = isUnlimited(right);
    const whole = `(size(${place.own(`all${index}`)}) > 0 && size(${place.own(`oldAll${index}`)}) == 0)`;
    if (!countsNames) return [whole];
    const covers = `${unlimited} || n in r.?resourceNames.orValue([])`;
    const names = `r.?resourceNames.orValue([]).exists(n, !${place.own(`oldGiving${index}`)}.exists(r, ${covers}))`;
    return [whole, `${place.own(`giving${index}`)}.exists(r, !(${unlimited}) && ${names})`];
  });
  const isAnyNew = newRights.join(' || ');
  const fix = place.isOld ? '""' : `(request.operation == "UPDATE" && !(${isAnyNew}) ? "remove the label" : "")`;
  const finding = findingCel({
    key: '"label " + l',
    path: first,
    why: ADDED,
    fix,
    ...(countsNames ? { wide: '"label " + l' } : {}),
  });
  const isAny = `request.resource.resource == "clusterroles" && (${grants})`;
  return `(${isAny} ? [${added}.map(l, ${finding})].filter(g, size(g) > 0) : [])`;
}
