/** Examples as subjects: how a manifest becomes what a rule judges when no API server stands between. */

import type { Example } from '../checks/define-check.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, member, valueAt } from '../objects/json.ts';
import { POD, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import type { Lookup, ServiceAccountView } from '../objects/views.ts';
import { toServiceAccountView } from '../objects/views.ts';

const NAMES_OF_KINDS: ReadonlyMap<string, { readonly group: string; readonly name: string }> = new Map([
  ...[POD, ...TEMPLATE_KINDS].map(
    ({ group, versions, kind, resource }) =>
      [`${group === '' ? '' : `${group}/`}${versions[0] ?? ''} ${kind}`, { group, name: resource }] as const,
  ),
  ['v1 Secret', { group: '', name: 'secrets' }] as const,
]);

/** The subject that the API server would make of this example's manifest, before its own plugins. */
export function toExampleSubject(example: Pick<Example, 'subject'>): Subject {
  const { object, oldObject, operation } = example.subject;
  const kind = asString(member(object, 'kind')) ?? '';
  const resource = NAMES_OF_KINDS.get(`${asString(member(object, 'apiVersion')) ?? ''} ${kind}`);
  return {
    operation: operation ?? 'CREATE',
    resource: { group: resource?.group ?? '', name: resource?.name ?? '', subresource: '' },
    kind,
    namespace: asString(valueAt(object, ['metadata', 'namespace'])) ?? '',
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
    object,
    ...(oldObject === undefined ? {} : { oldObject }),
  };
}

/** The service account of an example: the one it brings, none, or by default one that says nothing. */
export function toExampleAccount(given: JsonObject | 'absent' | undefined): Lookup<ServiceAccountView> {
  if (given === 'absent') return { state: 'absent' };
  const plain = { metadata: { name: 'web', namespace: 'shop' } };
  const value = toServiceAccountView(given ?? plain);
  return value === undefined
    ? { state: 'unknown', why: 'the example is not a service account' }
    : { state: 'found', value };
}
