/** `curfew check` for people: each object in the words that kubectl would print, with the lines of its file. */

import type { Checked, CheckedObject } from '../manifests/check-manifests.ts';
import type { ReportedFault, ReportedUndecided } from '../manifests/check-report.ts';
import { createLocator, type Locate } from '../manifests/locate.ts';
import { nameReported } from '../manifests/report-object.ts';
import { isPodTemplate } from '../objects/pod-spec.ts';
import { countOf, toOneLine } from '../objects/text.ts';

/** The whole text; its last line is the summary. */
export function renderCheckTable({ report, objects }: Checked): string {
  const spoken = objects.filter(
    ({ judged }) => judged.verdict.denial !== undefined || judged.verdict.warnings.length > 0,
  );
  const told = spoken.flatMap(({ judged }) => judged.verdict.warnings).join('\n');
  const locate = createLocator();
  return [
    ...report.faults.map(formatFault),
    ...spoken.map((object) => formatObject(object, locate)),
    ...report.undecided.filter(({ couldDeny, detail }) => couldDeny && !told.includes(detail)).map(formatUndecided),
    `${formatSummary(report.summary)}\n`,
  ].join('\n');
}

function formatFault({ file, line, column, message }: ReportedFault): string {
  return `${toOneLine(file)}:${line}:${column}: cannot be read: ${toOneLine(message)}\n`;
}

function formatUndecided({ file, line, column, check, object, detail }: ReportedUndecided): string {
  return `${toOneLine(file)}:${line}:${column}: ${nameReported(object)} cannot be judged by ${check}: ${detail}\n`;
}

function formatObject({ file, manifest, judged }: CheckedObject, locate: Locate): string {
  const { subject, verdict } = judged;
  const { line, column } = locate(manifest, '');
  const ofPods = isPodTemplate(subject.resource) && verdict.denial !== undefined ? ' (its pods are denied)' : '';
  return [
    `${toOneLine(file)}:${line}:${column}${ofPods}`,
    ...(verdict.denial === undefined
      ? []
      : [addLines(verdict.denial.trimStart(), (path) => locate(manifest, path).line)]),
    ...verdict.warnings.map((warning) => `Warning: ${warning}`),
    '',
  ].join('\n');
}

/** Puts the line of the file behind each path of a denial: `  pod-automount at /spec/… (line 12)`. */
function addLines(denial: string, lineOf: (path: string) => number): string {
  return denial.replaceAll(/^ {2}[a-z0-9-]+ at (\/.*)$/gm, (head, path: string) => `${head} (line ${lineOf(path)})`);
}

function formatSummary(summary: Checked['report']['summary']): string {
  const { objects, files, judged, denied, warn, undecided, faults, exempted } = summary;
  const seen = `${countOf(objects, 'object')} in ${countOf(files, 'file')}, ${judged} of kinds that a rule reads`;
  const parts = [
    `${denied} denied`,
    countOf(warn, 'warning'),
    ...(exempted === 0 ? [] : [`${exempted} exempted`]),
    ...(undecided === 0 ? [] : [`${undecided} could not be judged`]),
    ...(faults === 0 ? [] : [`${faults} could not be read`]),
  ];
  return `${seen}: ${parts.join(', ')}`;
}
