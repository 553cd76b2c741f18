import { describe, expect, it } from 'vitest';
import { isFinding } from '../../../src/checks/define-check.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';
import { ask } from './asking.ts';

const REPAIRED = CHECKS.flatMap((check) =>
  check.examples.flatMap((example) =>
    ask(check, example, example.level)
      .filter(isFinding)
      .flatMap(({ key, repair }) => (repair === undefined ? [] : [{ id: check.id, check, example, key, repair }])),
  ),
);

describe('What check --fix would write', () => {
  // Into the manifest, before the API server's own plugins see it: they mount the token that it no longer asks for.
  it.each(REPAIRED)('makes $key of $id go away', ({ check, example, key, repair }) => {
    const draft = createDraft(example.subject.object);
    draft.set(repair.path, repair.value);
    const repaired = { ...example, subject: { ...example.subject, object: draft.current() } };
    const left = ask(check, repaired, example.level).filter(isFinding);
    expect(left.map((finding) => finding.key)).not.toContain(key);
  });

  it('is there for checks whose value is plain', () => {
    expect([...new Set(REPAIRED.map(({ id }) => id))].toSorted()).toEqual([
      'pod-automount',
      'service-account-automount',
      'token-lifetime',
      'year-long-token',
    ]);
  });
});
