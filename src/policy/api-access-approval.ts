/**
 * Documented access that takes an approval: with `apiAccess.approval`, the annotation that says why an identity needs
 * the Kubernetes API is set by those alone who have the RBAC verb `approve` on `apiaccess.curfew.dev`. Who is asked, the
 * API server decides (the entry's match condition); whoever comes here does not have it.
 */

import type { Finding } from '../checks/define-check.ts';
import { API_ACCESS_ANNOTATION, faultOfReason, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { stringMembers, toPointer, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand } from '../objects/text.ts';

const ANNOTATIONS = ['metadata', 'annotations'];

/** What is wrong with setting or changing the annotation; nothing if it stays or goes: less access needs no approval. */
export function findUnapprovedAccess(subject: Subject): readonly Finding[] {
  const reason = reasonOn(subject.object);
  if (reason === undefined || reason === reasonOn(subject.oldObject)) return [];
  const path = toPointer([...ANNOTATIONS, API_ACCESS_ANNOTATION]);
  const command = describeCommand(subject);
  const fault = faultOfReason(reason);
  const findings: readonly Finding[] = [
    {
      path,
      key: 'approval',
      reason: 'API access that nobody approved',
      detail: `annotation ${API_ACCESS_ANNOTATION} gives access to the Kubernetes API, and setting it takes the verb approve on apiaccess.curfew.dev.`,
      fix: `leave the annotation out, and let someone who may approve set it: ${command}`,
    },
  ];
  if (fault === undefined) return findings;
  const documentsNothing: Finding = {
    path,
    key: 'reason',
    reason: 'a reason that documents nothing',
    detail: `annotation ${API_ACCESS_ANNOTATION} documents nothing: ${fault}.`,
    fix: `say why it needs the API: ${command}`,
  };
  return [...findings, documentsNothing];
}

function reasonOn(object: unknown): string | undefined {
  return stringMembers(valueAt(object, ANNOTATIONS)).get(API_ACCESS_ANNOTATION);
}

function describeCommand({ resource, namespace, name }: Subject): string {
  const what =
    resource.name === 'namespaces'
      ? `namespace ${nameForCommand(name, 'NAMESPACE')}`
      : `serviceaccount ${nameForCommand(name, 'ACCOUNT')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
  return `kubectl annotate ${what} --overwrite ${API_ACCESS_ANNOTATION}="${REASON_PLACEHOLDER}"`;
}
