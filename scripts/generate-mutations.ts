/** The pages of mutations, made of the mutations themselves. */

import { prepareMutationExample } from '../src/engine/example-subject.ts';
import type { Mutation, MutationExample } from '../src/mutations/define-mutation.ts';
import { ASKED_FOR, isChange, isRefusal } from '../src/mutations/define-mutation.ts';
import { createDraft } from '../src/objects/draft.ts';
import { toPage, toTable, toYamlBlock } from './generate-markdown.ts';
import { describeContext, describeNeeds, describeReads, renderOptions } from './generate-rule-parts.ts';

/** A mutation's page: what, why, its options, and its executed examples with what they lead to. */
export function renderMutation(mutation: Mutation): string {
  const { id, title, level, since, reads, needs, mends, why, examples } = mutation;
  // Those that e2e/mutation-examples.test.ts applies.
  const isOfPods = examples.every(
    ({ subject, options }) => subject.object['kind'] === 'Pod' && options?.['namespaces'] === undefined,
  );
  return toPage(id, [
    `Changes: ${title}.`,
    '',
    toTable(
      ['', ''],
      [
        ['starts at level', level === ASKED_FOR ? 'none: it runs where it is asked for' : level],
        ['since catalogue', since],
        ['reads', describeReads(reads)],
        ['looks up', describeNeeds(needs)],
        ...(mends === undefined ? [] : [['mends what is found by', `[\`${mends}\`](../checks/${mends}.md)`]]),
      ],
    ),
    '## Why',
    '',
    why,
    '',
    '## Options',
    '',
    `In the configuration, below \`mutations.${id}\`:`,
    '',
    renderOptions('mutations', mutation),
    '## Examples',
    '',
    isOfPods
      ? 'Each is executed by the unit tests, and applied to a real API server by the end-to-end suite.'
      : 'Each is executed by the unit tests.',
    '',
    ...examples.flatMap((example) => renderExample(mutation, example)),
  ]);
}

function renderExample(mutation: Mutation, example: MutationExample): readonly string[] {
  const { title, subject, options, checkOptions, context } = example;
  const notes = [
    ...(options === undefined ? [] : [`With \`mutations.${mutation.id}\`:\n\n${toYamlBlock(options)}`]),
    ...(checkOptions === undefined ? [] : [`With \`checks.${mutation.mends}\`:\n\n${toYamlBlock(checkOptions)}`]),
    ...describeContext(context),
  ];
  return [
    `### ${title}`,
    '',
    toYamlBlock(subject.object),
    '',
    ...notes.flatMap((note) => [note, '']),
    ...renderResult(mutation, example),
    '',
  ];
}

/** In the mutation's own words. */
function renderResult(mutation: Mutation, example: MutationExample): readonly string[] {
  const { subject, settings } = prepareMutationExample(mutation, example);
  const outcomes = mutation.mutate(subject, createDraft(subject.object), settings);
  const refusals = outcomes.filter(isRefusal);
  const toLine = ({ path, detail }: { readonly path: string; readonly detail: string }) => `${path}: ${detail}`;
  if (refusals.length > 0) {
    const lines = refusals.flatMap((refusal) => [toLine(refusal), `Fix: ${refusal.fix}.`]);
    return ['It is refused:', '', '```', ...lines, '```'];
  }
  const changes = outcomes.filter(isChange);
  return changes.length === 0 ? ['Nothing is changed.'] : ['It is changed:', '', '```', ...changes.map(toLine), '```'];
}
