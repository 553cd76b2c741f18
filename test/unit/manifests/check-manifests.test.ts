import { expect, it } from 'vitest';
import type { SourceText } from '../../../src/manifests/check-manifests.ts';
import { checkManifests } from '../../../src/manifests/check-manifests.ts';
import { configure } from '../judging.ts';

const HOW = {
  configuration: configure(),
  cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: [] },
  now: 0,
  release: 'curfew',
  level: 'restricted',
  namespace: 'shop',
} as const;

it.each<[string, readonly SourceText[], string]>([
  ['no file', [], '-'],
  ['a pipe that brought nothing', [{ file: '-', text: '' }], '-'],
  [
    'files without an object',
    [
      { file: 'values.yaml', text: 'a: 1\n' },
      { file: 'b.yaml', text: '' },
    ],
    'values.yaml',
  ],
])('A check of %s is no success', (_what, sources, file) => {
  const { report } = checkManifests(sources, HOW);
  expect(report.faults).toEqual([{ file, line: 1, column: 1, message: 'there is no Kubernetes object in it' }]);
  expect(report.summary).toMatchObject({ files: sources.length, objects: 0, faults: 1 });
});

it('A template with several pods has the findings of each in its own place', () => {
  const job = (name: string, seconds: number) => `
    - name: ${name}
      template:
        spec:
          template:
            spec:
              automountServiceAccountToken: false
              serviceAccountName: web
              containers: [{ name: app, image: x }]
              volumes:
                - name: t
                  projected:
                    sources:
                      - serviceAccountToken: { path: token, audience: vault, expirationSeconds: ${seconds} }`;
  const text = `apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: { name: sums }
spec:
  replicatedJobs:${job('driver', 600)}${job('worker', 86_400)}${job('cleaner', 172_800)}
`;
  const { findings } = checkManifests([{ file: 'a.yaml', text }], HOW).report;
  const place = (index: number) =>
    `/spec/replicatedJobs/${index}/template/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds`;
  expect(findings.map(({ check, mode, path, line }) => [check, mode, path, line])).toEqual([
    ['token-lifetime', 'enforce', place(1), 31],
    ['token-lifetime', 'enforce', place(2), 44],
  ]);
});

it('A pod without metadata is judged all the same', () => {
  const text = 'apiVersion: v1\nkind: Pod\nspec: { serviceAccountName: web, containers: [{ name: app, image: x }] }\n';
  const { report } = checkManifests([{ file: 'a.yaml', text }], HOW);
  expect({ judged: report.summary.judged, findings: report.findings, undecided: report.undecided }).toEqual({
    judged: 1,
    findings: [],
    undecided: [
      {
        check: 'pod-automount',
        couldDeny: true,
        detail:
          'cannot tell whether service account shop/web documents its need of the API: it is not among the manifests',
        ...{ file: 'a.yaml', line: 1, column: 1 },
        object: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: '' },
      },
    ],
  });
});
