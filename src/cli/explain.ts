/** `curfew explain [ID]`: what a check refuses, why, and what to do. */

import { stringify } from 'yaml';
import type { Check, Example } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import { CHECKS, findCheck } from '../checks/registry.ts';
import { toExampleSubject } from '../engine/example-subject.ts';

/** The page of the check `id`, or the list of all; undefined if there is no such check. */
export function explain(id: string | undefined): string | undefined {
  if (id === undefined) {
    const width = Math.max(...CHECKS.map((check) => check.id.length));
    return CHECKS.map((check) => `${check.id.padEnd(width)}  ${startLevel(check).padEnd(10)}  ${check.title}\n`).join(
      '',
    );
  }
  const check = findCheck(id);
  return check === undefined ? undefined : formatPage(check);
}

function formatPage(check: Check): string {
  const refused = check.examples.find(({ expect }) => Array.isArray(expect));
  const allowed = check.examples.find(({ expect }) => expect === 'allowed');
  return [
    check.id,
    `Refuses: ${check.title}.`,
    `Level: ${startLevel(check)} and above. Since catalogue ${check.since}.`,
    '',
    check.why,
    '',
    ...(refused === undefined
      ? []
      : [`Fix: ${check.fix(toExampleSubject(refused))}`, '', ...formatExample('Refused', refused)]),
    ...(allowed === undefined ? [] : formatExample('Allowed', allowed)),
  ].join('\n');
}

function formatExample(word: string, example: Example): readonly string[] {
  const manifest = stringify(example.subject.object, { lineWidth: 0 }).trimEnd();
  return [`${word}: ${example.title}`, '', ...manifest.split('\n').map((line) => `    ${line}`), ''];
}
