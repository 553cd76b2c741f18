/** Judges what is in a cluster as if it were written anew today, by the engine that the webhook has, and counts its tokens. */

import type { AccessReport } from '../access/access-report.ts';
import { leaveOutAccess } from '../access/access-report.ts';
import { analyzeAccess } from '../access/analyze.ts';
import type { PlacelessFinding, PlacelessUndecided } from '../manifests/check-report.ts';
import type { JudgeManifestOptions } from '../manifests/judge-manifest.ts';
import { judgeManifest } from '../manifests/judge-manifest.ts';
import { reportFindings, reportUndecided } from '../manifests/report-object.ts';
import { createWorld } from '../manifests/world.ts';
import type { Subject } from '../objects/subject.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import { VERSION } from '../version.ts';
import type { DrawnAccess } from './access-book.ts';
import { drawAccess } from './access-book.ts';
import { IDENTITY_KEYS } from './account-access.ts';
import type { AuditReport } from './audit-report.ts';
import { createGathered, gather } from './gathered.ts';
import { MOST_PATHS, toMinorVersion } from './read-access.ts';
import type { ClusterFault, ClusterOptions } from './read-cluster.ts';
import { isJudged, listJudgedOf, listOthers, readSetting } from './read-cluster.ts';
import { readEvidence } from './read-evidence.ts';
import { readForeign } from './read-foreign.ts';
import { buildSections } from './sections.ts';
import type { TokenLimits } from './token-limits.ts';

export type AuditOptions = ClusterOptions &
  Omit<JudgeManifestOptions, 'world' | 'mutatingWebhooks'> & {
    /** Address of the API server. */
    readonly server: string;
    readonly limits: TokenLimits;
    /** Called after each object that was looked at. */
    readonly onProgress?: (done: number) => void;
  };

const nowhere = () => ({});

/** Lists and judges; what cannot be listed is a fault in the report, and the rest is judged all the same. */
export async function auditCluster(options: AuditOptions): Promise<AuditReport> {
  const faults: ClusterFault[] = [];
  const setting = await readSetting(options, faults);
  const isWhole = faults.length === 0;
  const foreign = await readForeign({ ...options, own: options.release }, faults);
  const keys = new Set([...listSchemeKeys(options.configuration), ...IDENTITY_KEYS]);
  // What could not be listed is not known, and is not absent.
  const world = createWorld(setting, { keys, isWhole });
  const how = { ...options, world, mutatingWebhooks: foreign.mutatingWebhooks };
  const findings: PlacelessFinding[] = [];
  const undecided: PlacelessUndecided[] = [];
  const gathered = createGathered();
  let [seen, judged, denied, exempted] = [0, 0, 0, 0];
  const look = (subject: Subject): void => {
    gather(gathered, subject, how);
    seen += 1;
    options.onProgress?.(seen);
  };
  const judge = (subject: Subject): void => {
    const one = judgeManifest(subject, how);
    judged += 1;
    exempted += one.judgement.exempted.length;
    if (one.verdict.denial !== undefined) denied += 1;
    findings.push(...reportFindings(one, nowhere));
    undecided.push(...reportUndecided(one, nowhere));
  };
  const lookedAt = listJudgedOf(setting, options.namespace);
  for (const subject of lookedAt) {
    look(subject);
    judge(subject);
  }
  for await (const subject of listOthers(options, faults)) {
    look(subject);
    if (isJudged(subject)) judge(subject);
  }

  const { kubernetesVersion, ...evidence } = await readEvidence(options, foreign.groups);
  const access =
    options.namespace === undefined
      ? analyzeDrawn(
          drawAccess(gathered.access, {
            unread: faults,
            minorVersion: toMinorVersion(kubernetesVersion),
            apiGroups: foreign.groups && new Set(foreign.groups.keys()),
          }),
        )
      : leaveOutAccess('rights lead from one namespace to the next, so it takes an audit of all of them');
  const sections = buildSections({
    options,
    setting: lookedAt,
    world,
    keys,
    gathered,
    foreign,
    evidence,
    access,
    faults,
  });
  const inMode = (mode: PlacelessFinding['mode']) => findings.filter((finding) => finding.mode === mode).length;
  const inVerdict = (verdict: AuditReport['scorecard'][number]['verdict']) =>
    sections.scorecard.filter((line) => line.verdict === verdict).length;
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'AuditReport',
    cluster: options.server,
    takenAt: new Date(options.now).toISOString(),
    curfewVersion: VERSION,
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    ...sections,
    findings,
    undecided,
    access,
    faults: faults.map(({ message }) => ({ message })),
    summary: {
      namespaces: lookedAt.filter(({ kind }) => kind === 'Namespace').length,
      judged,
      denied,
      enforce: inMode('enforce'),
      warn: inMode('warn'),
      audit: inMode('audit'),
      exempted,
      undecided: undecided.filter(({ couldDeny }) => couldDeny).length,
      longLivedSecrets: sections.longLivedSecrets.length,
      accounts: sections.accounts.length,
      pods: gathered.pods.count,
      podsWithToken: gathered.pods.withApiToken,
      restarts: sections.restarts.length,
      accessPaths: access.paths.length + access.more,
      passed: inVerdict('pass'),
      failed: inVerdict('fail'),
      notVisible: inVerdict('not-visible'),
      faults: faults.length,
    },
  };
}

function analyzeDrawn({ graph, isComplete }: DrawnAccess): AccessReport {
  return analyzeAccess(graph, { withBuiltIn: false, mostPaths: MOST_PATHS, isComplete });
}
