import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { prepareExample, prepareMutationExample } from '../../../src/engine/example-subject.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';

/** What is published as a rule's defaults is what it goes by where nothing is said, in two places. */
describe('Without options', () => {
  it.each(CHECKS.map((check) => ({ id: check.id, check })))('$id judges by its defaults', ({ check }) => {
    for (const example of check.examples.filter(({ options }) => options === undefined)) {
      const { subject, context, settings } = prepareExample(check, example);
      const world = { ...context, level: example.level };
      expect(check.evaluate(subject, { ...settings, options: {} }, world)).toEqual(
        check.evaluate(subject, settings, world),
      );
    }
  });

  it.each(MUTATIONS.map((mutation) => ({ id: mutation.id, mutation })))(
    '$id changes by its defaults',
    ({ mutation }) => {
      expect(mutation.listOptionProblems?.({}) ?? []).toEqual(mutation.listOptionProblems?.(mutation.defaults) ?? []);
      for (const example of mutation.examples.filter(({ options }) => options === undefined)) {
        const { subject, settings } = prepareMutationExample(mutation, example);
        const [draft, other] = [createDraft(subject.object), createDraft(subject.object)];
        expect(mutation.mutate(subject, draft, { ...settings, options: {} })).toEqual(
          mutation.mutate(subject, other, settings),
        );
        expect(draft.operations()).toEqual(other.operations());
      }
    },
  );
});
