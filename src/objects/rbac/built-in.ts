/** What Kubernetes brings (plugin/pkg/auth/authorizer/rbac/bootstrappolicy): nobody is asked to mend it. */

import type { JsonObject } from '../json.ts';
import { asString, valueAt } from '../json.ts';

/** Beside those that begin with `system:`. */
const ROLES: ReadonlySet<string> = new Set(['admin', 'cluster-admin', 'edit', 'view']);
const BINDINGS: ReadonlySet<string> = new Set(['cluster-admin']);

export function isBuiltInRole(role: JsonObject): boolean {
  return isBuiltIn(role, ROLES);
}

export function isBuiltInBinding(binding: JsonObject): boolean {
  return isBuiltIn(binding, BINDINGS);
}

/** By label and name: the label alone is anybody's to write. */
function isBuiltIn(object: JsonObject, names: ReadonlySet<string>): boolean {
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  const label = valueAt(object, ['metadata', 'labels', 'kubernetes.io/bootstrapping']);
  return label === 'rbac-defaults' && (names.has(name) || name.startsWith('system:'));
}
