/**
 * Judges what is in a cluster by two configurations in one look: what others change meanwhile is then no change of the
 * configuration, and nothing is kept of an object but what becomes of it otherwise.
 */

import type { PlacelessFinding } from '../manifests/check-report.ts';
import type { JudgeManifestOptions } from '../manifests/judge-manifest.ts';
import { judgeManifest } from '../manifests/judge-manifest.ts';
import { reportFindings, reportUndecided } from '../manifests/report-object.ts';
import { createWorld } from '../manifests/world.ts';
import type { Subject } from '../objects/subject.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import type { FindingChange } from './compare-findings.ts';
import { compareFindings, sortChanges } from './compare-findings.ts';
import type { ClusterFault, ClusterOptions } from './read-cluster.ts';
import { isJudged, listJudgedOf, listOthers, readSetting } from './read-cluster.ts';
import { readMutatingWebhooks } from './read-foreign.ts';

/** A configuration, and what it says of the cluster. */
export type Trial = Pick<JudgeManifestOptions, 'configuration' | 'cluster'>;

export type ChangeOptions = ClusterOptions &
  Pick<JudgeManifestOptions, 'now' | 'release'> & {
    readonly before: Trial;
    readonly after: Trial;
    /** Called after each object that was judged. */
    readonly onProgress?: (done: number) => void;
  };

/** Under one of the two. */
export type TrialCounts = {
  readonly denied: number;
  /** What could not be judged, and might be refused. */
  readonly undecided: number;
};

export type ChangeReport = {
  /** In order. */
  readonly changes: readonly FindingChange[];
  readonly faults: readonly ClusterFault[];
  readonly judged: number;
  readonly before: TrialCounts;
  readonly after: TrialCounts;
};

const nowhere = () => ({});

/** Lists and judges; what cannot be listed is a fault in the report, and the rest is judged all the same. */
export async function tryChange(options: ChangeOptions): Promise<ChangeReport> {
  const faults: ClusterFault[] = [];
  const setting = await readSetting(options, faults);
  const isWhole = faults.length === 0;
  const mutatingWebhooks = await readMutatingWebhooks({ ...options, own: options.release }, faults);
  const keys = new Set(
    [options.before, options.after].flatMap(({ configuration }) => [...listSchemeKeys(configuration)]),
  );
  const shared = { world: createWorld(setting, { keys, isWhole }), mutatingWebhooks };
  const [before, after] = [options.before, options.after].map((trial) =>
    createJudge({ ...options, ...shared, ...trial }),
  );
  if (before === undefined || after === undefined) throw new Error('two configurations are two judges');
  const changes: FindingChange[] = [];
  let judged = 0;
  const judge = (subject: Subject): void => {
    judged += 1;
    changes.push(...compareFindings({ findings: before.judge(subject) }, { findings: after.judge(subject) }));
    options.onProgress?.(judged);
  };
  for (const subject of listJudgedOf(setting, options.namespace)) judge(subject);
  for await (const subject of listOthers(options, faults)) if (isJudged(subject)) judge(subject);
  return { changes: sortChanges(changes), faults, judged, before: before.counts, after: after.counts };
}

function createJudge(how: JudgeManifestOptions) {
  const counts = { denied: 0, undecided: 0 };
  return {
    counts: counts as TrialCounts,
    judge: (subject: Subject): readonly PlacelessFinding[] => {
      const one = judgeManifest(subject, how);
      if (one.verdict.denial !== undefined) counts.denied += 1;
      counts.undecided += reportUndecided(one, nowhere).filter(({ couldDeny }) => couldDeny).length;
      return reportFindings(one, nowhere);
    },
  };
}
