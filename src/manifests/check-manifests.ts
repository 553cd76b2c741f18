/** Texts of files to a report: what would be denied, warned about and audited of the objects in them. */

import { toNewSubject } from '../objects/manifest.ts';
import type { Subject } from '../objects/subject.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import type { CheckReport, ReportedFinding, ReportedObject, ReportedUndecided } from './check-report.ts';
import type { JudgedManifest, JudgeManifestOptions } from './judge-manifest.ts';
import { judgeManifest } from './judge-manifest.ts';
import { createLocator } from './locate.ts';
import type { Manifest, ManifestFault } from './read-manifests.ts';
import { readManifests } from './read-manifests.ts';
import { isSilent, reportFindings, reportObject, reportUndecided } from './report-object.ts';
import { createWorld } from './world.ts';

export type SourceText = { readonly file: string; readonly text: string };

export type CheckOptions = Omit<JudgeManifestOptions, 'world'> & {
  /** Of objects that name no namespace. */
  readonly namespace: string;
  /** Called after each object. */
  readonly onProgress?: (done: number, total: number) => void;
};

export type Checked = {
  readonly report: CheckReport;
  /** Objects of which there is something to say, in the order of the files. */
  readonly objects: readonly CheckedObject[];
  /** Every object that was judged, in the order of the files. */
  readonly judged: readonly { readonly file: string; readonly object: ReportedObject }[];
};

export type CheckedObject = {
  readonly file: string;
  readonly manifest: Manifest;
  readonly judged: JudgedManifest;
};

type Named = { readonly manifest: Manifest; readonly subject: Subject };

/**
 * Reads and judges everything; what cannot be read is a fault in the report, and the rest is judged all the same.
 *
 * @param faults - of files that could not even be opened
 */
export function checkManifests(
  sources: readonly SourceText[],
  options: CheckOptions,
  faults: readonly ManifestFault[] = [],
): Checked {
  const read = sources.map(({ file, text }) => readManifests(text, file));
  const manifests = read.flatMap((one) => one.manifests);
  const named = manifests.flatMap((manifest): readonly Named[] => {
    const subject = toNewSubject(manifest.object, options.namespace);
    return subject === undefined ? [] : [{ manifest, subject }];
  });
  const subjects = named.map(({ subject }) => subject);
  const how = { ...options, world: createWorld(subjects, { keys: listSchemeKeys(options.configuration) }) };

  const locate = createLocator();
  const objects: CheckedObject[] = [];
  const findings: ReportedFinding[] = [];
  const undecided: ReportedUndecided[] = [];
  let denied = 0;
  let exempted = 0;
  for (const [index, { manifest, subject }] of named.entries()) {
    const judged = judgeManifest(subject, how);
    options.onProgress?.(index + 1, named.length);
    exempted += judged.judgement.exempted.length;
    if (judged.verdict.denial !== undefined) denied += 1;
    if (isSilent(judged)) continue;
    objects.push({ file: manifest.file, manifest, judged });
    const toPlace = (pointer: string) => ({ file: manifest.file, ...locate(manifest, pointer) });
    findings.push(...reportFindings(judged, toPlace));
    undecided.push(...reportUndecided(judged, toPlace));
  }
  const allFaults = [...faults, ...read.flatMap((one) => one.faults)];
  // A pipe that brought nothing is a mistake before it, and no success.
  const [first] = sources;
  if (manifests.length + allFaults.length === 0) {
    allFaults.push({ file: first?.file ?? '-', line: 1, column: 1, message: 'there is no Kubernetes object in it' });
  }
  const inMode = (mode: ReportedFinding['mode']) => findings.filter((finding) => finding.mode === mode).length;
  const report: CheckReport = {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'CheckReport',
    findings,
    undecided,
    faults: allFaults.map(({ file, line, column, message }) => ({ file, line, column, message })),
    summary: {
      files: sources.length,
      objects: manifests.length,
      judged: named.length,
      otherDocuments: read.reduce((sum, { others }) => sum + others, 0),
      denied,
      enforce: inMode('enforce'),
      warn: inMode('warn'),
      audit: inMode('audit'),
      exempted,
      undecided: undecided.filter((one) => one.couldDeny).length,
      faults: allFaults.length,
    },
  };
  return {
    report,
    objects,
    judged: named.map(({ manifest, subject }) => ({ file: manifest.file, object: reportObject(subject) })),
  };
}
