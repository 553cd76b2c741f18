/** `curfew explain [ID]`: what a check or a guard refuses, why, and what to do. */

import { stringify } from 'yaml';
import type { Check, Example } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import { CHECKS, findCheck } from '../checks/registry.ts';
import { toExampleSubject } from '../engine/example-subject.ts';
import type { Guard } from '../engine/guards.ts';
import { GUARDS } from '../engine/guards.ts';
import type { Subject } from '../objects/subject.ts';

/** Of nothing in particular, so that fixes show placeholders. */
const NO_SUBJECT: Subject = {
  operation: 'UPDATE',
  resource: { group: '', name: '', subresource: '' },
  kind: '',
  namespace: '',
  name: '',
  object: {},
};

/** The page of the check or guard `id`, or the list of all checks; undefined if there is nothing of that id. */
export function explain(id: string | undefined): string | undefined {
  if (id === undefined) {
    const width = Math.max(...CHECKS.map((check) => check.id.length));
    return CHECKS.map((check) => `${check.id.padEnd(width)}  ${startLevel(check).padEnd(10)}  ${check.title}\n`).join(
      '',
    );
  }
  const check = findCheck(id);
  if (check !== undefined) return formatPage(check);
  const guard = GUARDS.find((known) => known.id === id);
  return guard === undefined ? undefined : formatGuard(guard);
}

/** Guards know no levels and have no examples: they are about the labels that set the levels. */
function formatGuard({ id, title, why, fix }: Guard): string {
  return [id, `Refuses: ${title}.`, '', why, '', `Fix: ${fix(NO_SUBJECT)}`, ''].join('\n');
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
