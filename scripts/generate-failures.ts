/** docs/failures.md, of the table that the tests compare with what they see. */

import type { Failure } from './failure-table.ts';
import { FAILURES } from './failure-table.ts';
import { toPage, toTable } from './generate-markdown.ts';

export function renderFailures(): string {
  const rows = Object.values<Failure>(FAILURES).map(({ what, does, user, log, metrics, readyz, heldBy }) => [
    what,
    does,
    user === '' ? 'nothing' : toCode(user),
    [
      ...metrics.map((name) => `${toCode(name)} grows`),
      ...log.map((words) => `the log says ${toCode(words.trim())}`),
      `\`/readyz\`: ${toCode(readyz)}`,
    ].join('; '),
    `\`${heldBy[0]}\` "${heldBy[1]}"`,
  ]);
  return toPage('When something breaks', [
    'What Curfew does, what the person sees who asks the API server for something meanwhile, and what an operator sees. Each',
    'row is what a test saw: the test breaks it for real and compares every word.',
    '',
    'Whatever it is, three things hold. What is running goes on running: Curfew is asked when something is written, and at no',
    'other time. What keeps a cluster alive never waits for Curfew: kube-system, nodes and controllers pass it by. And what',
    'Curfew cannot judge is a [fault](reference/errors.md), so that the failure policy of that [entry](reference/webhook-entries.md)',
    'applies: new pods and token Secrets are refused with the sentence below, everything else is admitted.',
    '',
    toTable(['what breaks', 'what Curfew does', 'the user sees', 'the operator sees', 'held by'], rows),
  ]);
}

/** A cell of a table has no lines. */
function toCode(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => `\`${line.trim()}\``).join('<br>');
}
