/** `curfew explain [ID]`: what a check or a guard refuses or a mutation changes, why, and what to do. */

import { stringify } from 'yaml';
import type { Check, Example } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import { CHECKS, findCheck } from '../checks/registry.ts';
import { toExampleSubject } from '../engine/example-subject.ts';
import type { Guard } from '../engine/guards.ts';
import { GUARDS } from '../engine/guards.ts';
import type { Mutation, MutationExample } from '../mutations/define-mutation.ts';
import { ASKED_FOR } from '../mutations/define-mutation.ts';
import { MUTATIONS } from '../mutations/registry.ts';
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

/** The page of the check, guard or mutation `id`, or the list of all rules; undefined if there is nothing of that id. */
export function explain(id: string | undefined): string | undefined {
  const all = [
    ...CHECKS.map((check) => ({ id: check.id, level: startLevel(check), title: check.title })),
    ...MUTATIONS.map(({ id, level, title }) => ({ id, level, title })),
  ];
  if (id === undefined) {
    const width = Math.max(...all.map((rule) => rule.id.length));
    return all.map((rule) => `${rule.id.padEnd(width)}  ${rule.level.padEnd(10)}  ${rule.title}\n`).join('');
  }
  const check = findCheck(id);
  if (check !== undefined) return formatPage(check);
  const guard = GUARDS.find((known) => known.id === id);
  if (guard !== undefined) return formatGuard(guard);
  const mutation = MUTATIONS.find((one) => one.id === id);
  return mutation === undefined ? undefined : formatMutation(mutation);
}

/** Guards know no levels and have no examples: they are about the labels that set the levels. */
function formatGuard({ id, title, why, fix }: Guard): string {
  return [id, `Refuses: ${title}.`, '', why, '', `Fix: ${fix(NO_SUBJECT)}`, ''].join('\n');
}

function formatMutation({ id, title, level, since, why, examples }: Mutation): string {
  const changed = examples.find(({ expect }) => typeof expect === 'object');
  const refused = examples.find(({ expect }) => expect === 'refused');
  const start = level === ASKED_FOR ? 'where it is asked for, whatever the level' : `at level ${level} and above`;
  return [
    id,
    `Changes: ${title}.`,
    `Runs ${start}. Since catalogue ${since}.`,
    '',
    why,
    '',
    ...(changed === undefined ? [] : formatExample('Changed', changed)),
    ...(refused === undefined ? [] : formatExample('Refused', refused)),
  ].join('\n');
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

function formatExample(word: string, example: Pick<Example | MutationExample, 'title' | 'subject'>): readonly string[] {
  const manifest = stringify(example.subject.object, { lineWidth: 0 }).trimEnd();
  return [`${word}: ${example.title}`, '', ...manifest.split('\n').map((line) => `    ${line}`), ''];
}
