/** Exemptions in CEL: the same as `policy/exemption.ts`, but for the clock, which a policy has only where something is made. */

import { quoteCel, REQUEST_NAMESPACE } from '../checks/cel/cel-text.ts';
import type { Reads } from '../objects/rule-context.ts';
import { toOneLine } from '../objects/text.ts';
import { ACCOUNT_NAME_ANNOTATION, TOKEN_SECRET_TYPE } from '../objects/views.ts';
import type { Exemption } from '../policy/exemption.ts';
import { EXEMPTION_KINDS, formatEnd, stateOf } from '../policy/exemption.ts';

export type ExemptionPlace = {
  readonly check: string;
  readonly reads: readonly Reads[];
  /** The account of the one pod, in CEL, where the policy is for pods. */
  readonly account: string | undefined;
  /** What `names` are held against, in CEL; by default the name of the object. */
  readonly name?: string;
  /** Where something is changed, it has no time of its own yet. */
  readonly isChanging?: true;
  readonly now: number;
};

/** What the audit log says of the first exemption that matches, as a string; empty if none does. Undefined if there are none. */
export function exemptionCel(exemptions: readonly Exemption[], place: ExemptionPlace): string | undefined {
  const cases = exemptions.flatMap((exemption) => {
    if (exemption.checks !== undefined && !exemption.checks.has(place.check)) return [];
    if (stateOf(exemption, place.now) === 'ended') return [];
    const condition = conditionCel(exemption, place);
    return condition === undefined ? [] : [`${condition} ? ${quoteCel(describe(exemption, place.check))} : `];
  });
  return cases.length === 0 ? undefined : `${cases.join('')}""`;
}

/** As `formatExempted`. */
function describe(exemption: Exemption, check: string): string {
  const { name, owner, ticket, reason } = exemption;
  const more = ticket === undefined ? '' : `, ticket ${ticket}`;
  return toOneLine(`${check} by exemption ${name} (owner ${owner}, ${formatEnd(exemption)}${more}): ${reason}`);
}

function conditionCel({ match, end, lastDay }: Exemption, place: ExemptionPlace): string | undefined {
  const parts: string[] = [];
  if (match.kinds !== undefined) {
    const kinds = match.kinds.flatMap((kind) => kindCel(kind, place.reads));
    if (kinds.length === 0) return undefined;
    parts.push(`(${kinds.join(' || ')})`);
  }
  if (match.namespaces !== undefined) {
    parts.push(`${REQUEST_NAMESPACE} != "" && ${globCel(REQUEST_NAMESPACE, match.namespaces)}`);
  }
  if (match.names !== undefined) parts.push(globCel(place.name ?? NAME, match.names));
  if (match.users !== undefined) parts.push(globCel('request.userInfo.username', match.users));
  if (match.groups !== undefined) {
    parts.push(`(has(request.userInfo.groups) && request.userInfo.groups.exists(g, ${globCel('g', match.groups)}))`);
  }
  if (match.serviceAccounts !== undefined) {
    const accounts = accountsCel(place);
    if (accounts === undefined) return undefined;
    parts.push(`size(${accounts}) > 0 && ${accounts}.all(a, ${globCel('a', match.serviceAccounts)})`);
  }
  // What is made has the time in it; TokenRequests and updates do not.
  if (lastDay !== undefined && !place.reads.some(({ subresource }) => subresource === 'token')) {
    parts.push(isBeforeCel(end, place));
  }
  return parts.length === 0 ? 'true' : parts.join(' && ');
}

/**
 * True while the moment of the request is before `end`. The creation time is filled in between mutation and validation
 * (apiserver, pkg/registry/rest/create.go, BeforeCreate); who manages which fields since when is there before.
 */
function isBeforeCel(end: number, { isChanging }: ExemptionPlace): string {
  const isBefore = (time: string) => `timestamp(${time}) < timestamp(${quoteCel(new Date(end).toISOString())})`;
  return isChanging === true
    ? `object.metadata.?managedFields.orValue([]).all(f, !has(f.time) || ${isBefore('f.time')})`
    : `(request.operation != "CREATE" || ${isBefore('object.metadata.creationTimestamp')})`;
}

const NAME = '(request.?name.orValue("") != "" ? request.name : object.metadata.?name.orValue(""))';

function kindCel(kind: string, reads: readonly Reads[]): readonly string[] {
  const known = EXEMPTION_KINDS.get(kind);
  const isRead = reads.some(
    ({ group, resource, subresource }) =>
      known !== undefined &&
      group === known.group &&
      resource === known.name &&
      (subresource === 'token') === (known.subresource === 'token'),
  );
  if (known === undefined || !isRead) return [];
  return [
    `(request.resource.group == ${quoteCel(known.group)} && request.resource.resource == ${quoteCel(known.name)})`,
  ];
}

/** True if the whole of `text` matches one of the patterns, in which `*` stands for any characters and `?` for one. */
function globCel(text: string, patterns: readonly string[]): string {
  const expressions = patterns.map((pattern) =>
    pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, (sign) => (sign === '*' ? '.*' : sign === '?' ? '.' : `\\${sign}`)),
  );
  return `${text}.matches(${quoteCel(`^(?s:${expressions.join('|')})$`)})`;
}

/** The accounts that the object is about, as `namespace/name`; undefined for what is about none. */
function accountsCel({ reads, account }: ExemptionPlace): string | undefined {
  if (account !== undefined) return `[${REQUEST_NAMESPACE} + "/" + ${account}]`;
  const [{ resource } = { resource: '' }] = reads;
  const ofNamespace = (name: string) => `${REQUEST_NAMESPACE} + "/" + ${name}`;
  switch (resource) {
    case 'serviceaccounts':
      return `[${ofNamespace(NAME)}]`;
    case 'secrets': {
      const annotation = `object.metadata.?annotations[?${quoteCel(ACCOUNT_NAME_ANNOTATION)}]`;
      return `(object.?type.orValue("") == ${quoteCel(TOKEN_SECRET_TYPE)} && ${annotation}.hasValue() ? [${ofNamespace(`${annotation}.value()`)}] : [])`;
    }
    case 'rolebindings':
    case 'clusterrolebindings':
      // Whoever is no service account matches no pattern: those have one `/`, and this has none.
      return `object.?subjects.orValue([]).map(s, s.kind != "ServiceAccount" ? "" : s.?namespace.orValue("") != "" ? s.namespace + "/" + s.name : ${REQUEST_NAMESPACE} != "" ? ${REQUEST_NAMESPACE} + "/" + s.name : "")`;
    default:
      return undefined;
  }
}
