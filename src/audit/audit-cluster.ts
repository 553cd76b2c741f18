/** Judges what is in a cluster as if it were written anew today, by the engine that the webhook has. */

import type { PlacelessFinding, PlacelessUndecided } from '../manifests/check-report.ts';
import type { JudgeManifestOptions } from '../manifests/judge-manifest.ts';
import { judgeManifest } from '../manifests/judge-manifest.ts';
import { reportFindings, reportUndecided } from '../manifests/report-object.ts';
import { createWorld } from '../manifests/world.ts';
import { asString, valueAt } from '../objects/json.ts';
import { isPod } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { ACCOUNT_NAME_ANNOTATION } from '../objects/views.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import type { AuditReportSoFar } from './audit-report.ts';
import type { ClusterFault, ClusterOptions } from './read-cluster.ts';
import { listOthers, readSetting } from './read-cluster.ts';

export type AuditOptions = ClusterOptions &
  Omit<JudgeManifestOptions, 'world'> & {
    /** Address of the API server. */
    readonly server: string;
    /** Called after each object that was judged. */
    readonly onProgress?: (done: number) => void;
  };

const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';

const nowhere = () => ({});

/** Lists and judges; what cannot be listed is a fault in the report, and the rest is judged all the same. */
export async function auditCluster(options: AuditOptions): Promise<AuditReportSoFar> {
  const faults: ClusterFault[] = [];
  const setting = await readSetting(options, faults);
  const keys = listSchemeKeys(options.configuration);
  // What could not be listed is not known, and is not absent.
  const how = { ...options, world: createWorld(setting, { keys, isWhole: faults.length === 0 }) };
  const findings: PlacelessFinding[] = [];
  const undecided: PlacelessUndecided[] = [];
  let [judged, denied, exempted] = [0, 0, 0];
  const add = (subject: Subject): void => {
    const one = judgeManifest(subject, how);
    judged += 1;
    exempted += one.judgement.exempted.length;
    if (one.verdict.denial !== undefined) denied += 1;
    findings.push(...reportFindings(one, nowhere));
    undecided.push(...reportUndecided(one, nowhere));
    options.onProgress?.(judged);
  };
  const isLookedAt = ({ kind, name }: Subject) =>
    options.namespace === undefined || kind !== 'Namespace' || name === options.namespace;
  const lookedAt = setting.filter(isLookedAt);
  for (const subject of lookedAt) add(subject);
  for await (const subject of listOthers(options, faults)) if (!hasEnded(subject)) add(subject);

  const inMode = (mode: PlacelessFinding['mode']) => findings.filter((finding) => finding.mode === mode).length;
  const longLivedSecrets = setting.filter(({ kind }) => kind === 'Secret').map(toLongLived);
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'AuditReport',
    cluster: options.server,
    findings,
    undecided,
    longLivedSecrets,
    faults,
    summary: {
      namespaces: lookedAt.filter(({ kind }) => kind === 'Namespace').length,
      judged,
      denied,
      enforce: inMode('enforce'),
      warn: inMode('warn'),
      audit: inMode('audit'),
      exempted,
      undecided: undecided.filter(({ couldDeny }) => couldDeny).length,
      longLivedSecrets: longLivedSecrets.length,
      faults: faults.length,
    },
  };
}

/** Its tokens ended with it. */
function hasEnded({ resource, object }: Subject): boolean {
  const phase = asString(valueAt(object, ['status', 'phase']));
  return isPod(resource) && (phase === 'Succeeded' || phase === 'Failed');
}

function toLongLived({ namespace, name, object }: Subject): AuditReportSoFar['longLivedSecrets'][number] {
  const metadata = (...path: readonly string[]) => asString(valueAt(object, ['metadata', ...path]));
  const [lastUsed, invalidSince] = [metadata('labels', LAST_USED), metadata('labels', INVALID_SINCE)];
  return {
    namespace,
    name,
    account: metadata('annotations', ACCOUNT_NAME_ANNOTATION) ?? '',
    createdAt: metadata('creationTimestamp') ?? '',
    ...(lastUsed === undefined ? {} : { lastUsed }),
    ...(invalidSince === undefined ? {} : { invalidSince }),
  };
}
