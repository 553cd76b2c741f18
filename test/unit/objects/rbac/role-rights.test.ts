import { describe, expect, it } from 'vitest';
import { findKeys } from '../../../../e2e/random-roles.ts';
import { ROLE_CHECKS } from '../../../../e2e/role-updates.ts';
import type { Check } from '../../../../src/checks/define-check.ts';

const ALL = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const NAMES = ['web', 'cluster-admin', 'kubernetes.io/kube-apiserver-client', 'example.com/mine'];

/** What `check` finds at restricted where a role allows everything: the resources with their verbs, and where it does not. */
function formatRights(check: Check): string {
  const inRole = new Set(findKeys(check, 'Role', [ALL]));
  const named = new Set(findKeys(check, 'ClusterRole', [{ ...ALL, resourceNames: NAMES }]));
  const verbs = new Map<string, string[]>();
  for (const key of findKeys(check, 'ClusterRole', [ALL]).toSorted()) {
    const [verb = '', resource = ''] = key.split(' ');
    const told = NAMES.filter((name) => named.has(`${key} named ${name}`));
    const limits = told.length === NAMES.length ? '' : `; with resourceNames: ${told.join(', ') || 'none'}`;
    const line = `${resource}${inRole.has(key) ? '' : '; not in a Role'}${limits}`;
    verbs.set(line, [...(verbs.get(line) ?? []), verb]);
  }
  const lines = [...verbs].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [check.id, ...lines.map(([line, some]) => `  ${some.join(', ')}: ${line}`), ''].join('\n');
}

describe('The rights that the checks look for', () => {
  it('are those of the golden file: none goes without somebody reading it', async () => {
    await expect(ROLE_CHECKS.map(formatRights).join('\n')).toMatchFileSnapshot('../../../golden/role-rights.txt');
  });
});
