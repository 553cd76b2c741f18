import { ACCOUNT_USER, ACCOUNTS_OF, ADMIN, EVERYBODY } from '../rbac-binding-subjects.ts';
import { findingCel, listCel, quoteCel, REQUEST_NAMESPACE, subjectBounds } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';

const REASONS = { everybody: 'a role for everybody', admin: 'cluster-admin for a service account' } as const;

export const rbacBindingSubjects: CelForm = {
  reasons: Object.values(REASONS),
  bounds: subjectBounds,
  findings({ object }) {
    const subjects = `${object}.?subjects.orValue([])`;
    const path = `"/subjects/" + string(${subjects}.indexOf(s))`;
    const isEverybody = `((s.kind + " " + s.name) in ${listCel([...EVERYBODY.keys()])} || (s.kind == "Group" && s.name.startsWith(${quoteCel(ACCOUNTS_OF)}) && s.name != ${quoteCel(ACCOUNTS_OF)}))`;
    const isAccount = `(s.kind == "ServiceAccount" || (s.kind == "User" && s.name.startsWith(${quoteCel(ACCOUNT_USER)})))`;
    const isAdmin = `(${object}.roleRef.name == ${quoteCel(ADMIN)} && ${object}.roleRef.kind == "ClusterRole")`;
    const namespace = `(s.?namespace.orValue("") == "" ? ${REQUEST_NAMESPACE} : s.namespace)`;
    const identity = `(s.kind == "User" ? s.name.substring(${ACCOUNT_USER.length}).replace(":", "/", 1) : ${namespace} + "/" + s.name)`;
    const everybody = findingCel({ key: 's.kind + " " + s.name', path, why: REASONS.everybody });
    const admin = findingCel({
      key: `"ServiceAccount " + ${identity}`,
      path,
      why: REASONS.admin,
      fix: '"bind a role of the rules it needs"',
    });
    const found = `${subjects}.filter(s, ${isEverybody} || (${isAdmin} && ${isAccount})).map(s, ${isEverybody} ? ${everybody} : ${admin})`;
    return `[${found}].filter(g, size(g) > 0)`;
  },
};
