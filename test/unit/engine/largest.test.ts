import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, judgeWith, PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

const COUNT = 9_000;
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const many = (make: (index: number) => JsonObject): readonly JsonObject[] =>
  Array.from({ length: COUNT }, (_, index) => make(index));
const source = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };

/** Objects that make the work of a rule as large as 1.5 MB allow; a rule that multiplies would take minutes. */
const LARGEST: readonly (readonly [string, JsonObject])[] = [
  [
    'thousands of token volumes and thousands of mounts',
    {
      containers: [{ name: 'a', volumeMounts: many((index) => ({ name: `v${index}`, mountPath: `/${index}` })) }],
      volumes: many((index) => ({ name: `v${index}`, projected: { sources: [source] } })),
    },
  ],
  [
    'thousands of sources in a volume that is mounted thousands of times',
    {
      containers: many((index) => ({ name: `c${index}`, volumeMounts: [{ name: 'v', mountPath: MOUNT_PATH }] })),
      volumes: [{ name: 'v', projected: { sources: many(() => source) } }],
    },
  ],
  [
    'thousands of volumes of one name',
    {
      containers: [{ name: 'a', volumeMounts: many(() => ({ name: 'kube-api-access-a', mountPath: MOUNT_PATH })) }],
      volumes: many(() => ({ name: 'kube-api-access-a', projected: { sources: [source] } })),
    },
  ],
  [
    'thousands of Secrets in a volume that is mounted thousands of times',
    {
      containers: many((index) => ({ name: `c${index}`, volumeMounts: [{ name: 'v', mountPath: '/a' }] })),
      volumes: [{ name: 'v', projected: { sources: many((index) => ({ secret: { name: `s${index}` } })) } }],
    },
  ],
  [
    'thousands of volumes with a Secret that thousands of containers take as variables too',
    {
      containers: many((index) => ({ name: `c${index}`, envFrom: [{ secretRef: { name: 's' } }] })),
      volumes: many((index) => ({ name: `v${index}`, secret: { secretName: 's' } })),
    },
  ],
];

const TOKEN_SECRET = { state: 'found', value: { namespace: 'shop', name: 's', account: 'web' } } as const;
const DOCUMENTED = account({}, { 'curfew.dev/api-access': 'lists its own endpoints' });

describe('The largest objects', () => {
  it.each(LARGEST)('with %s are judged, in a bounded message', (_what, spec) => {
    const pod = { kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec };
    for (const serviceAccount of [PLAIN_ACCOUNT, DOCUMENTED]) {
      const { verdict } = judgeWith(subjectOf('pods', pod), {
        labels: { 'curfew.dev/enforce': 'restricted' },
        serviceAccount,
        context: { tokenSecret: () => TOKEN_SECRET },
      });
      expect(verdict.denial?.length).toBeLessThanOrEqual(4_100);
    }
  });

  it('that hold several pods say which one of them adds a token', () => {
    const job = (name: string) => ({
      name,
      template: { spec: { template: { spec: { serviceAccountName: 'web', containers: [{ name: 'app' }] } } } },
    });
    const jobSet = (...names: readonly string[]) => ({ kind: 'JobSet', spec: { replicatedJobs: names.map(job) } });
    const subject = subjectOf('jobsets.jobset.x-k8s.io', jobSet('a', 'b', 'c'), {
      operation: 'UPDATE',
      oldObject: jobSet('a', 'b'),
    });
    const { verdict } = judgeWith(subject, {
      configuration: { levels: { enforce: 'restricted' }, enforceTemplates: true },
    });
    expect(verdict.denial).toContain('pod-automount at /spec/replicatedJobs/2/template/spec/template/spec');
  });
});
