import { describe, expect, it } from 'vitest';
import { account, judgeWith, type Setting } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf } from '../subjects.ts';

const REASON = 'curfew.dev/api-access';

function auditOf(subject: ReturnType<typeof subjectOf>, setting: Setting = {}): string | undefined {
  return judgeWith(subject, setting).verdict.auditAnnotations.get('api-access');
}

describe('A documented reason', () => {
  it('is in the audit log of each pod that holds a token for it', () => {
    const serviceAccount = account({}, { [REASON]: 'lists its own endpoints' });
    expect(auditOf(subjectOf('pods', admittedPod()), { serviceAccount })).toBe(
      'service account shop/web: lists its own endpoints',
    );
    expect(auditOf(subjectOf('deployments.apps', deployment()), { serviceAccount })).toBe(
      'service account shop/web: lists its own endpoints',
    );
  });

  it('names the pod or the namespace where it stands there', () => {
    const pod = admittedPod(['app'], { annotations: { [REASON]: 'watches its peers' } });
    const from = (...acceptFrom: readonly string[]) => ({ configuration: { apiAccess: { acceptFrom } } });
    expect(auditOf(subjectOf('pods', pod), from('Pod'))).toBe('Pod shop/web: watches its peers');
    const annotations = new Map([[REASON, 'operators only']]);
    const namespace = { state: 'found', value: { name: 'shop', labels: new Map(), annotations } } as const;
    expect(auditOf(subjectOf('pods', admittedPod()), { ...from('Namespace'), context: { namespace } })).toBe(
      'namespace shop: operators only',
    );
  });

  it('is not there for a pod without a token, nor for one that is refused', () => {
    const serviceAccount = account({}, { [REASON]: 'lists its own endpoints' });
    const pod = { kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: { serviceAccountName: 'web' } };
    expect(auditOf(subjectOf('pods', pod), { serviceAccount })).toBeUndefined();
    expect(auditOf(subjectOf('pods', admittedPod()))).toBeUndefined();
  });

  it('is one line without control characters', () => {
    const serviceAccount = account({}, { [REASON]: 'lists\u0000its\nown\u2028endpoints\ud800' });
    expect(auditOf(subjectOf('pods', admittedPod()), { serviceAccount })).toBe(
      'service account shop/web: lists its own endpoints�',
    );
  });
});

describe('The account that every namespace has', () => {
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'shop' } };
  const enforced = { labels: { 'curfew.dev/enforce': 'restricted' } };
  const by = (username: string, name = 'default') =>
    judgeWith(subjectOf('serviceaccounts', object, { name, caller: { username, groups: [] } }), enforced).verdict;

  it.each(['system:serviceaccount:kube-system:service-account-controller', 'system:kube-controller-manager'])(
    'is never refused or warned about when %s makes it',
    (username) => {
      const { denial, warnings, auditAnnotations } = by(username);
      expect({ denial, warnings }).toEqual({ denial: undefined, warnings: [] });
      expect(auditAnnotations.get('audit')).toContain('service-account-automount');
    },
  );

  it('is judged when somebody else makes it', () => {
    expect(by(JANE.username).denial).toContain('service-account-automount at /metadata');
  });
});
