import { describe, expect, it } from 'vitest';
import { guardLevels, guardNamespaceLabels } from '../../../src/engine/guards.ts';
import { toVerdict } from '../../../src/engine/verdict.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Caller, Subject } from '../../../src/objects/subject.ts';
import { describeGrant } from '../../../src/policy/grant.ts';
import { findRaisedLevel, findUnknownLabels, findWrongLevels } from '../../../src/policy/namespace-labels.ts';
import { fc } from '../../properties.ts';
import { hostileObject, mutated, numRuns } from '../arbitraries.ts';
import { resolvePointer } from '../json-pointer.ts';
import { configure } from '../judging.ts';

type Labels = Readonly<Record<string, string>>;

function namespace(labels: Labels | null | undefined): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', ...(labels === undefined ? {} : { labels }) },
  };
}

/** The update of a namespace from these labels to those; its creation if there are none before. */
function change(before: Labels | 'none', after: Labels | null | undefined): Subject {
  return {
    operation: before === 'none' ? 'CREATE' : 'UPDATE',
    resource: { group: '', name: 'namespaces', subresource: '' },
    kind: 'Namespace',
    namespace: '',
    name: 'shop',
    object: namespace(after),
    ...(before === 'none' ? {} : { oldObject: namespace(before) }),
    caller: { username: 'alice', groups: [] },
  };
}

const optionsOf = (keys: JsonObject = {}) => ({
  configuration: configure(keys),
  ownNamespace: 'curfew-system',
  release: 'curfew',
});

function relaxed(subject: Subject, keys: JsonObject = {}): readonly string[] {
  return guardLevels(subject, optionsOf(keys)).results.flatMap(({ findings }) => findings.map(({ key }) => key));
}

const ENFORCE = 'curfew.dev/enforce';
const MUTATE = 'curfew.dev/mutate';

describe('A level is relaxed', () => {
  it.each<[string, Labels | 'none', Labels | null | undefined, JsonObject]>([
    ['by a lower label', { [ENFORCE]: 'restricted' }, { [ENFORCE]: 'baseline' }, {}],
    ['by a label below the default', {}, { [ENFORCE]: 'off' }, {}],
    ['by the removal of a label above the default', { [ENFORCE]: 'restricted' }, {}, {}],
    ['by the removal of all labels', { [ENFORCE]: 'restricted' }, undefined, {}],
    ['by labels that are null', { [ENFORCE]: 'restricted' }, null, {}],
    [
      'by the removal of a label above the override for this namespace',
      { [ENFORCE]: 'baseline' },
      {},
      { levels: { enforce: 'restricted' }, namespaces: { shop: { enforce: 'off' } } },
    ],
    ['by a new namespace below the default', 'none', { [ENFORCE]: 'off' }, {}],
    [
      'by a new namespace below its override',
      'none',
      { [ENFORCE]: 'off' },
      { namespaces: { shop: { enforce: 'baseline' } } },
    ],
  ])('%s', (_how, before, after, keys) => {
    expect(relaxed(change(before, after), keys)).toEqual([ENFORCE]);
  });

  it.each<[string, Labels | 'none', Labels | undefined, JsonObject]>([
    ['a higher label', {}, { [ENFORCE]: 'restricted' }, {}],
    ['the same label', { [ENFORCE]: 'off' }, { [ENFORCE]: 'off' }, {}],
    ['a label that says what is in force already', {}, { [ENFORCE]: 'baseline' }, {}],
    ['the removal of a label below the default', { [ENFORCE]: 'off' }, {}, {}],
    ['another label', { team: 'a' }, { team: 'b' }, {}],
    ['the removal of a label that meant nothing', { [ENFORCE]: 'strict' }, {}, {}],
    ['a new namespace without labels', 'none', undefined, {}],
    ['a new namespace above the default', 'none', { [ENFORCE]: 'restricted' }, {}],
    ['an excluded namespace', { [ENFORCE]: 'restricted' }, {}, { excludedNamespaces: ['shop'] }],
  ])('but not by %s', (_how, before, after, keys) => {
    expect(relaxed(change(before, after), keys)).toEqual([]);
  });

  it('in every mode at once, each told', () => {
    const of = (level: string) =>
      Object.fromEntries(['enforce', 'warn', 'audit', 'mutate'].map((mode) => [`curfew.dev/${mode}`, level]));
    expect(relaxed(change(of('restricted'), of('off')))).toEqual(Object.keys(of('off')));
  });

  it('never in Curfew’s own namespace, where labels mean nothing', () => {
    const subject = { ...change({ [ENFORCE]: 'restricted' }, {}), name: 'curfew-system' };
    expect(relaxed(subject)).toEqual([]);
  });
});

describe('The label of mutate means that mutations are applied, so', () => {
  it.each<[string, Labels, Labels, JsonObject, readonly string[]]>([
    ['its removal relaxes where they are only reported', { [MUTATE]: 'baseline' }, {}, {}, [MUTATE]],
    ['its removal does not where they are applied', { [MUTATE]: 'baseline' }, {}, { mutateMode: 'apply' }, []],
    [
      'setting it does not, where they were only reported',
      {},
      { [MUTATE]: 'baseline' },
      { levels: { mutate: 'restricted' } },
      [],
    ],
    ['setting it to off does', {}, { [MUTATE]: 'off' }, {}, [MUTATE]],
    ['its removal does not where it was off', { [MUTATE]: 'off' }, {}, {}, []],
    ['lowering it does', { [MUTATE]: 'restricted' }, { [MUTATE]: 'baseline' }, {}, [MUTATE]],
  ])('%s', (_what, before, after, keys, wanted) => {
    expect(relaxed(change(before, after), keys)).toEqual(wanted);
  });
});

describe('A wrong label', () => {
  it.each(['', 'strict', 'Restricted', 'baseline ', '__proto__', 'toString'])(
    '%j is refused where it is set',
    (value) => {
      expect(findWrongLevels(change({}, { [ENFORCE]: value }))).toHaveLength(1);
      expect(findWrongLevels(change({ [ENFORCE]: value }, { [ENFORCE]: value, 'curfew.dev/warn': 'off' }))).toEqual([]);
    },
  );

  it('is told once to whoever may not relax, and not as a lower level too', () => {
    const subject = change({ [ENFORCE]: 'restricted' }, { [ENFORCE]: 'strict' });
    const { denial } = toVerdict(subject, guardLevels(subject, optionsOf()), []);
    expect(denial).toContain('Namespace shop: 1 problem');
    expect(denial).toContain('level-label at /metadata/labels/curfew.dev~1enforce');
  });

  it('of an unknown key is warned about on one line that fits, however many there are', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 30_000 }, (_, index) => [`curfew.dev/enforc${index}`, 'off']),
    );
    const subject = change({}, labels);
    const { denial, warnings } = toVerdict(subject, guardNamespaceLabels(subject, optionsOf()), []);
    expect(denial).toBeUndefined();
    expect(warnings).toEqual([
      'curfew level-label: label "curfew.dev/enforc0" does nothing and 29999 more; did you mean curfew.dev/enforce?',
    ]);
  });

  it('of an unknown key that was there is none of this author’s', () => {
    const old = { 'curfew.dev/old': 'a', 'test.curfew.dev/other': 'b', curfew: 'c' };
    expect(findUnknownLabels(change(old, { ...old, 'curfew.dev/warn': 'off' }))).toEqual([]);
    expect(findUnknownLabels(change({}, { 'test.curfew.dev/other': 'b', curfew: 'c' }))).toEqual([]);
  });
});

describe('Enforce is raised', () => {
  it.each<[Labels | 'none', Labels, JsonObject, string | undefined]>([
    [{}, { [ENFORCE]: 'restricted' }, {}, 'restricted'],
    [{ [ENFORCE]: 'off' }, {}, {}, 'baseline'],
    [{ [ENFORCE]: 'off' }, {}, { levels: { enforce: 'off' } }, undefined],
    [{}, { [ENFORCE]: 'baseline' }, {}, undefined],
    [{ [ENFORCE]: 'restricted' }, { [ENFORCE]: 'baseline' }, {}, undefined],
    [{}, { 'curfew.dev/warn': 'restricted' }, { levels: { warn: 'off' } }, undefined],
    // Nothing runs there yet.
    ['none', { [ENFORCE]: 'restricted' }, {}, undefined],
  ])('from %j to %j with %j: to %s', (before, after, keys, level) => {
    expect(findRaisedLevel(change(before, after), configure(keys))).toBe(level);
  });
});

describe('The command that grants a right', () => {
  it.each<[string, string]>([
    ['alice', 'curfew-relax-alice --clusterrole=curfew-relax --user=alice'],
    ['alice@example.com', 'curfew-relax-alice-example-com --clusterrole=curfew-relax --user=alice@example.com'],
    [
      'system:serviceaccount:ci:deployer',
      'curfew-relax-deployer --clusterrole=curfew-relax --serviceaccount=ci:deployer',
    ],
    ['$(reboot)', 'curfew-relax-reboot --clusterrole=curfew-relax --user=USER'],
    ['a; rm -rf /', 'curfew-relax-a-rm-rf --clusterrole=curfew-relax --user=USER'],
    ["o'neill", 'curfew-relax-o-neill --clusterrole=curfew-relax --user=USER'],
    ['', 'curfew-relax-user --clusterrole=curfew-relax --user=USER'],
  ])('to %j holds nothing that a shell would run', (username, rest) => {
    const caller: Caller = { username, groups: [] };
    expect(describeGrant(caller, 'curfew-relax')).toBe(
      `have an administrator allow it: kubectl create clusterrolebinding ${rest}`,
    );
  });
});

describe('The guards of a namespace', () => {
  const wrong = change({}, { [ENFORCE]: 'high' });

  it('say nothing of one that is left alone', () => {
    const excluded = optionsOf({ excludedNamespaces: ['shop'] });
    expect(guardNamespaceLabels(wrong, excluded).results).toEqual([]);
    expect(guardNamespaceLabels(wrong, optionsOf()).results.map(({ effect }) => effect)).toEqual(['deny']);
  });

  it('would deny in a dry run', () => {
    const dry = optionsOf({ dryRun: true });
    expect(guardNamespaceLabels(wrong, dry).results.map(({ effect }) => effect)).toEqual(['would_deny']);
    expect(guardLevels(wrong, dry).results.map(({ effect }) => effect)).toEqual(['would_deny']);
  });

  it('go by labels where the name is not known yet', () => {
    const unnamed = { ...change({ [ENFORCE]: 'restricted' }, { [ENFORCE]: 'baseline' }), name: '' };
    expect(guardLevels(unnamed, optionsOf()).results.map(({ effect }) => effect)).toEqual(['deny']);
    expect(findRaisedLevel({ ...change({}, { [ENFORCE]: 'restricted' }), name: '' }, configure())).toBe('restricted');
  });
});

it('Whatever a namespace is, its guards judge it, and point at what is there', () => {
  const real = namespace({ [ENFORCE]: 'restricted', 'curfew.dev/x': 'y' });
  fc.assert(
    fc.property(
      fc.oneof(hostileObject, mutated([real])),
      fc.oneof(hostileObject, mutated([real])),
      (object, oldObject) => {
        const subject = { ...change({}, {}), object, oldObject };
        for (const guard of [guardLevels, guardNamespaceLabels]) {
          const judgement = guard(subject, optionsOf());
          const findings = judgement.results.flatMap((result) => result.findings);
          for (const { path } of findings) expect(resolvePointer(object, path)).toBeDefined();
          const { warnings } = toVerdict(subject, judgement, []);
          for (const warning of warnings) expect(warning).not.toMatch(/\p{Cc}/u);
        }
        expect(['baseline', 'restricted', undefined]).toContain(findRaisedLevel(subject, configure()));
      },
    ),
    { numRuns: numRuns() },
  );
});
