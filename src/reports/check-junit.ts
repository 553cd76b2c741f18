/** `curfew check` as JUnit XML: a suite a file, a case an object, a failure a denied object. */

import type { Checked } from '../manifests/check-manifests.ts';
import type { ReportedFault, ReportedFinding, ReportedObject, ReportedUndecided } from '../manifests/check-report.ts';
import { nameReported } from '../manifests/report-object.ts';
import { toOneLine } from '../objects/text.ts';

type Case = { readonly name: string; readonly failures: readonly string[]; readonly errors: readonly string[] };

/** Warnings are no failures, so they are not in it. */
export function renderCheckJunit({ report, judged }: Checked): string {
  const files = [...new Set([...judged.map(({ file }) => file), ...report.faults.map(({ file }) => file)])];
  const suites = files.map((file) => {
    const of = <T extends { readonly file: string }>(all: readonly T[]): readonly T[] =>
      all.filter((one) => one.file === file);
    const cases = [
      ...of(report.faults).map(toFaultCase),
      ...toObjectCases(of(judged), of(report.findings), of(report.undecided)),
    ];
    return formatSuite(file, cases);
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="curfew check">\n${suites.join('')}</testsuites>\n`;
}

function toFaultCase({ line, column, message }: ReportedFault): Case {
  return { name: `line ${line}`, failures: [], errors: [`${line}:${column}: cannot be read: ${message}`] };
}

/** Objects of the same name in one file share their case: a test of JUnit has nothing but its name. */
function toObjectCases(
  judged: readonly { readonly object: ReportedObject }[],
  findings: readonly ReportedFinding[],
  undecided: readonly ReportedUndecided[],
): readonly Case[] {
  const cases = new Map(
    judged.map(({ object }) => [nameReported(object), { failures: [] as string[], errors: [] as string[] }]),
  );
  for (const { object, denied, check, line, path, detail, fix } of findings) {
    if (denied)
      cases.get(nameReported(object))?.failures.push(`${check} at ${path} (line ${line}): ${detail} Fix: ${fix}`);
  }
  for (const { object, check, detail, couldDeny } of undecided) {
    if (couldDeny) cases.get(nameReported(object))?.errors.push(`${check} cannot judge it: ${detail}`);
  }
  return [...cases].map(([name, outcome]) => ({ name, ...outcome }));
}

function formatSuite(file: string, cases: readonly Case[]): string {
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  const broken = cases.filter(({ errors }) => errors.length > 0).length;
  const name = escapeXml(file);
  const lines = cases.map((one) => formatCase(name, one));
  return `  <testsuite name="${name}" tests="${cases.length}" failures="${failed}" errors="${broken}">\n${lines.join('')}  </testsuite>\n`;
}

function formatCase(file: string, { name, failures, errors }: Case): string {
  const head = `    <testcase classname="${file}" name="${escapeXml(name)}"`;
  const parts = [
    ...failures.map((text) => `      <failure message="${escapeXml(text)}"/>\n`),
    ...errors.map((text) => `      <error message="${escapeXml(text)}"/>\n`),
  ];
  return parts.length === 0 ? `${head}/>\n` : `${head}>\n${parts.join('')}    </testcase>\n`;
}

/** Control characters are not even allowed as references in XML 1.0. */
function escapeXml(text: string): string {
  return toOneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[￾￿]/g, ' ');
}
