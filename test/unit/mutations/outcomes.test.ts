import { expect, it } from 'vitest';
import { prepareMutationExample } from '../../../src/engine/example-subject.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';

it.each(MUTATIONS.map((mutation) => ({ id: mutation.id, mutation })))(
  'What $id says and patches in each of its examples is that of the golden file',
  async ({ id, mutation }) => {
    const said = mutation.examples.map((example) => {
      const { subject, settings } = prepareMutationExample(mutation, example);
      const draft = createDraft(subject.object);
      const outcomes = mutation.mutate(subject, draft, settings);
      return { title: example.title, outcomes, operations: draft.operations() };
    });
    await expect(`${JSON.stringify(said, null, 2)}\n`).toMatchFileSnapshot(`../../golden/mutations/${id}.json`);
  },
);
