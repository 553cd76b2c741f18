import { describe, expect, it } from 'vitest';
import { effectiveAutomount } from '../../../src/objects/automount.ts';
import { account } from '../judging.ts';

const ACCOUNTS = {
  true: account({ automountServiceAccountToken: true }),
  false: account({ automountServiceAccountToken: false }),
  silent: account({}),
  absent: { state: 'absent' },
  unknown: { state: 'unknown', why: 'the API server did not answer' },
} as const;

/** Every combination of pod and account; the pod's `null` is not a value. */
const TRUTH_TABLE = [
  ['true', 'true', true],
  ['true', 'false', true],
  ['true', 'silent', true],
  ['true', 'absent', true],
  ['true', 'unknown', true],
  ['false', 'true', false],
  ['false', 'false', false],
  ['false', 'silent', false],
  ['false', 'absent', false],
  ['false', 'unknown', false],
  ['null', 'true', true],
  ['null', 'false', false],
  ['null', 'silent', true],
  ['null', 'absent', 'unknown'],
  ['null', 'unknown', 'unknown'],
  ['silent', 'true', true],
  ['silent', 'false', false],
  ['silent', 'silent', true],
  ['silent', 'absent', 'unknown'],
  ['silent', 'unknown', 'unknown'],
] as const;

const PODS = {
  true: { automountServiceAccountToken: true },
  false: { automountServiceAccountToken: false },
  null: { automountServiceAccountToken: null },
  silent: {},
} as const;

describe('The effective automount', () => {
  it.each(TRUTH_TABLE)('of a pod that says %s with an account that says %s is %s', (pod, serviceAccount, mounts) => {
    expect(effectiveAutomount(PODS[pod], ACCOUNTS[serviceAccount]).mounts).toBe(mounts);
  });

  it('says who decided', () => {
    expect(effectiveAutomount(PODS.true, ACCOUNTS.false)).toEqual({ mounts: true, decidedBy: 'pod' });
    expect(effectiveAutomount({}, ACCOUNTS.false)).toEqual({ mounts: false, decidedBy: 'serviceAccount' });
    expect(effectiveAutomount({}, ACCOUNTS.silent)).toEqual({ mounts: true, decidedBy: 'default' });
  });
});
