/** Repairing once is enough: a second time there is nothing left to write, for everything that a check shows. */

import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { CHECKS } from '../../../src/checks/registry.ts';
import type { SourceText } from '../../../src/manifests/check-manifests.ts';
import { checkManifests } from '../../../src/manifests/check-manifests.ts';
import { repairSources } from '../../../src/manifests/repair-sources.ts';
import { configure } from '../judging.ts';

const MIXED = { enforce: 'baseline', warn: 'restricted' } as const;
const STRICT = { enforce: 'restricted', warn: 'restricted' } as const;
const LEVELS = [MIXED, { enforce: 'restricted', warn: 'baseline' } as const, STRICT];
type Levels = (typeof LEVELS)[number];

function judgeAt(levels: Levels) {
  const how = {
    configuration: configure({ levels: { ...levels, clusterScoped: levels } }),
    cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
    now: 0,
    release: 'curfew',
    namespace: 'default',
  };
  return (sources: readonly SourceText[]) => checkManifests(sources, how);
}

function repair(text: string, levels: Levels) {
  const judge = judgeAt(levels);
  const sources = [{ file: 'a.yaml', text }];
  return repairSources(sources, judge(sources), judge);
}

const tokenOf = (seconds: number) =>
  `apiVersion: v1
kind: Pod
metadata: { name: a, namespace: shop }
spec:
  automountServiceAccountToken: false
  containers: [{ name: a, image: x }]
  volumes:
    - name: t
      projected:
        sources:
          - serviceAccountToken: { path: token, audience: vault, expirationSeconds: ${seconds} }
`;

describe('A repair', () => {
  it('reaches the smaller of two limits at once, and counts the value once', () => {
    const { files, checked } = repair(tokenOf(86_401), MIXED);
    expect(files).toEqual([{ file: 'a.yaml', before: tokenOf(86_401), after: tokenOf(3600), written: 1 }]);
    expect(checked.report.findings).toEqual([]);
  });

  it('says what is left of files that it had nothing to write into', () => {
    const text = 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ntype: kubernetes.io/service-account-token\n';
    const { files, checked } = repair(text, MIXED);
    expect(files).toEqual([]);
    expect(checked.report.summary.denied).toBe(1);
  });

  it('of several files repairs each, also where one document says what another one needs', () => {
    const judge = judgeAt(STRICT);
    const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: web, namespace: shop }\n';
    const sources = [
      { file: 'a.yaml', text: `${tokenOf(90_000)}---\n${tokenOf(3600)}---\n${tokenOf(7200)}` },
      { file: 'b.yaml', text: account },
      { file: 'c.yaml', text: tokenOf(600) },
    ];
    const { files } = repairSources(sources, judge(sources), judge);
    expect(files.map(({ file, written }) => [file, written])).toEqual([
      ['a.yaml', 2],
      ['b.yaml', 1],
    ]);
  });

  it.each(CHECKS.map((check) => ({ id: check.id, check })))(
    'of what $id shows leaves nothing to repair',
    ({ check }) => {
      const texts = check.examples.map(({ subject }) => stringify(subject.object));
      const all = texts.join('---\n');
      for (const levels of LEVELS) {
        const after = repair(all, levels).files[0]?.after ?? all;
        expect({ levels, files: repair(after, levels).files }).toEqual({ levels, files: [] });
      }
    },
  );
});
