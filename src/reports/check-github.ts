/** `curfew check` as annotations of GitHub Actions (docs.github.com, workflow commands). */

import type { Checked } from '../manifests/check-manifests.ts';
import type { ReportedFinding } from '../manifests/check-report.ts';

type Annotation = {
  readonly command: 'error' | 'warning' | 'notice';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly title: string;
  readonly message: string;
};

/** One line for each finding, each thing that could not be judged and each file that could not be read. */
export function renderCheckGithub({ report }: Checked): string {
  const { findings, undecided, faults } = report;
  return [
    ...faults.map(({ message, ...place }): Annotation => {
      return { command: 'error', ...place, title: 'curfew: cannot be read', message };
    }),
    ...findings.map((finding): Annotation => {
      const { file, line, column, check, detail, fix } = finding;
      const title = `curfew ${check}`;
      return { command: commandOf(finding), file, line, column, title, message: `${detail}\nFix: ${fix}` };
    }),
    ...undecided.map(({ file, line, column, check, detail, couldDeny }): Annotation => {
      const command = couldDeny ? 'error' : 'notice';
      return { command, file, line, column, title: `curfew ${check}: not judged`, message: detail };
    }),
  ]
    .map(formatAnnotation)
    .join('');
}

function commandOf({ mode, denied }: ReportedFinding): Annotation['command'] {
  if (denied) return 'error';
  return mode === 'audit' ? 'notice' : 'warning';
}

function formatAnnotation({ command, file, line, column, title, message }: Annotation): string {
  const properties = [
    // Standard input is no file that GitHub could show.
    ...(file === '-' ? [] : [`file=${escapeProperty(file)}`, `line=${line}`, `col=${column}`]),
    `title=${escapeProperty(title)}`,
  ];
  return `::${command} ${properties.join(',')}::${escapeData(message)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
