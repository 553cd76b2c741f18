/** The entries of the guards: what Curfew itself is steered by. A part of the table in `entries.ts`. */

import type { Entry, EntryRule } from './entries.ts';
import { API_ACCESS_SET, LEVEL_CHANGED, MAY_NOT_APPROVE, MAY_NOT_RELAX, METADATA_CHANGED } from './guard-conditions.ts';

/** Labels can be written through both subresources too, which a rule on `namespaces` does not match. */
const NAMESPACE_RULE: EntryRule = {
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
  operations: ['CREATE', 'UPDATE'],
  scope: 'Cluster',
};

export const GUARD_ENTRIES: readonly Entry[] = [
  {
    name: 'levels.curfew.dev',
    type: 'validating',
    path: '/validate/levels',
    rules: [NAMESPACE_RULE],
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
    matchConditions: [LEVEL_CHANGED, MAY_NOT_RELAX],
    namespaces: 'all but platform',
    guard: 'levels',
    purpose: 'Keeps those without the RBAC verb relax on levels.curfew.dev from lowering the level of a namespace.',
  },
  {
    name: 'namespaces.curfew.dev',
    type: 'validating',
    path: '/validate/namespaces',
    rules: [NAMESPACE_RULE],
    failurePolicy: 'Ignore',
    timeoutSeconds: 3,
    matchConditions: [METADATA_CHANGED],
    namespaces: 'all but platform',
    guard: 'namespaces',
    purpose:
      'Refuses labels of namespaces that mean nothing, says which pods a raised level would refuse, and sees what a namespace asks for.',
  },
  {
    name: 'api-access.curfew.dev',
    type: 'validating',
    path: '/validate/api-access',
    rules: [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['serviceaccounts'],
        operations: ['CREATE', 'UPDATE'],
        scope: 'Namespaced',
      },
      // Also while only service accounts count: what is written today would count as soon as namespaces do.
      NAMESPACE_RULE,
    ],
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
    matchConditions: [API_ACCESS_SET, MAY_NOT_APPROVE],
    namespaces: 'all but platform and system',
    guard: 'apiAccess',
    onlyIf: 'apiAccess.approval',
    purpose: 'Keeps those without the RBAC verb approve on apiaccess.curfew.dev from documenting access to the API.',
  },
];
