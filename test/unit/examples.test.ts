import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { type Example, isFinding, isNote, isUndecided, startLevel } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { prepareExample, prepareMutationExample, toExampleSubject } from '../../src/engine/example-subject.ts';
import { GUARDS } from '../../src/engine/guards.ts';
import { isChange, isRefusal } from '../../src/mutations/define-mutation.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { createDraft } from '../../src/objects/draft.ts';
import { LEVELS } from '../../src/objects/level.ts';
import { TEMPLATE_KINDS } from '../../src/objects/pod-spec.ts';
import { resolvePointer } from './json-pointer.ts';

const NO_RULES = new Set(['define-check.ts', 'define-mutation.ts', 'registry.ts', 'pod-bearing.ts', 'role-grants.ts']);

describe.each(CHECKS.map((check) => ({ id: check.id, check })))('Check $id', ({ check }) => {
  it.each(check.examples.map((example) => ({ title: example.title, example })))('judges "$title"', ({ example }) => {
    const { subject, context, settings } = prepareExample(check, example);
    const outcomes = check.evaluate(subject, settings, { ...context, level: example.level });
    const keys = outcomes
      .flatMap((outcome) => (isNote(outcome) ? [] : [isUndecided(outcome) ? 'undecided' : outcome.key]))
      .toSorted();
    const { expect: wanted } = example;
    if (wanted === 'allowed') expect(keys).toEqual([]);
    else expect(keys).toEqual((wanted === 'undecided' ? ['undecided'] : wanted).toSorted());
  });

  it('has at least two refused and two allowed examples, at levels where it runs', () => {
    const refused = check.examples.filter(({ expect: wanted }) => Array.isArray(wanted));
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(check.examples.filter(({ expect: wanted }) => wanted === 'allowed').length).toBeGreaterThanOrEqual(2);
    for (const { level } of check.examples)
      expect(LEVELS.indexOf(level)).toBeGreaterThanOrEqual(LEVELS.indexOf(startLevel(check)));
  });

  it('says what it refuses, why, and what to do', () => {
    for (const text of [check.title, check.why]) expect(text).not.toBe('');
    expect(check.title).not.toMatch(/\.$/);
    for (const example of check.examples.filter(({ expect: wanted }) => Array.isArray(wanted))) {
      expect(check.fix(toExampleSubject(example))).not.toMatch(/undefined|^$/);
      expect(check.shortFix(toExampleSubject(example))).not.toBe('');
    }
  });
});

/** Checks that read every kind with pods in it. */
const POD_BEARING = CHECKS.filter(({ reads }) => reads.some(({ resource }) => resource === 'deployments'));

describe.each(POD_BEARING.map((check) => ({ id: check.id, check })))('Pod-bearing check $id', ({ check }) => {
  it('shows an init container, a native sidecar and a template', () => {
    const objects = check.examples.map(({ subject }) => subject.object);
    const texts = objects.map((object) => JSON.stringify(object));
    expect({
      initContainer: texts.some((text) => text.includes('"initContainers":')),
      sidecar: texts.some((text) => text.includes('"restartPolicy":"Always"')),
      template: objects.some(({ kind }) => TEMPLATE_KINDS.some((known) => known.kind === kind)),
    }).toEqual({ initContainer: true, sidecar: true, template: true });
  });

  it.each(['Pod', 'Deployment'])('has nothing to say about an empty %s', (kind) => {
    const apiVersion = kind === 'Pod' ? 'v1' : 'apps/v1';
    for (const object of [{}, { spec: {} }, { spec: { template: {} } }, { spec: { template: { spec: null } } }]) {
      const example: Example = {
        title: 'empty',
        level: 'restricted',
        subject: { object: { apiVersion, kind, ...object } },
        expect: 'allowed',
      };
      const { subject, context, settings } = prepareExample(check, example);
      expect(check.evaluate(subject, settings, { ...context, level: 'restricted' }).filter(isFinding)).toEqual([]);
    }
  });
});

describe.each(MUTATIONS.map((mutation) => ({ id: mutation.id, mutation })))('Mutation $id', ({ mutation }) => {
  it.each(mutation.examples.map((example) => ({ title: example.title, example })))(
    'changes "$title"',
    ({ example }) => {
      const { subject, settings } = prepareMutationExample(mutation, example);
      const draft = createDraft(subject.object);
      const changes = mutation.mutate(subject, draft, settings);
      if (example.expect === 'unchanged' || example.expect === 'refused') {
        const refused = changes.filter(isRefusal);
        expect({ refused: refused.length > 0, operations: draft.operations() }).toEqual({
          refused: example.expect === 'refused',
          operations: [],
        });
        expect(changes.filter(isChange)).toEqual([]);
        return;
      }
      for (const [pointer, value] of Object.entries(example.expect))
        expect(resolvePointer(draft.current(), pointer)).toBe(value ?? undefined);

      const applied = structuredClone(subject.object);
      expect(applyPatch(applied, structuredClone([...draft.operations()]))).toEqual(draft.operations().map(() => null));
      expect(applied).toEqual(draft.current());

      const again = createDraft(draft.current());
      expect(mutation.mutate({ ...subject, object: draft.current() }, again, settings)).toEqual([]);
      expect(again.operations()).toEqual([]);
    },
  );
});

describe('The catalogue', () => {
  it.each([
    ['checks', CHECKS],
    ['mutations', MUTATIONS],
  ] as const)('lists every file of src/%s, and every id is its file’s name', (folder, rules) => {
    const files = readdirSync(join(import.meta.dirname, '..', '..', 'src', folder)).filter(
      (name) => name.endsWith('.ts') && !NO_RULES.has(name),
    );
    expect(rules.map(({ id }) => `${id}.ts`).toSorted()).toEqual(files.toSorted());
  });

  it('has every check that a mutation mends', () => {
    const mended = MUTATIONS.flatMap(({ mends }) => mends ?? []);
    expect(CHECKS.map(({ id }) => id)).toEqual(expect.arrayContaining(mended));
  });

  it('uses no id twice', () => {
    const ids = [...CHECKS, ...MUTATIONS, ...GUARDS].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
