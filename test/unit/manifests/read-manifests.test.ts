import { describe, expect, it } from 'vitest';
import { createLocator } from '../../../src/manifests/locate.ts';
import { createTextParser, readManifests } from '../../../src/manifests/read-manifests.ts';
import { splitDocuments } from '../../../src/manifests/split-documents.ts';
import { fc } from '../../properties.ts';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

describe('A stream of YAML', () => {
  it.each<[string, string, readonly number[]]>([
    ['one document without a marker', 'a: 1\n', [1]],
    ['markers before, between and behind', '---\na: 1\n---\nb: 1\n---\n', [1, 3]],
    ['comments and empty documents', '# x\n---\n# y\n---\n\n---\na: 1\n', [6]],
    ['a marker in a block scalar is a marker all the same', 'a: |\n  x\n---\nb: 1\n', [1, 3]],
    ['a marker further in is none', 'a: |\n  ---\n  x\nb: ---\n', [1]],
    ['carriage returns', '---\r\na: 1\r\n---\r\nb: 1\r\n', [1, 3]],
    ['contents behind the marker', '--- {a: 1}\n--- |\n text\n', [1, 2]],
    ['a directive belongs to what follows', '%YAML 1.1\n---\na: 1\n---\nb: 1\n', [1, 4]],
    ['directives before nothing', '%YAML 1.1\n---\n%YAML 1.1\n---\na: 1\n', [4]],
    ['an end marker', 'a: 1\n...\n---\nb: 1\n...\n', [1, 3]],
    ['nothing', '', []],
  ])('%s', (_what, text, lines) => {
    expect(splitDocuments(text).map(({ line }) => line)).toEqual(lines);
  });

  it('loses no line that says something, and starts each document on its own line', () => {
    const line = fc.constantFrom('---', '# c', '', 'a: 1', 'b: |', '  text', '...', '--- {a: 1}');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const kept = splitDocuments(lines.join('\n')).flatMap(({ text, line: start }) =>
          text.split('\n').map((content, index) => [start + index, content] as const),
        );
        for (const [at, content] of kept) if (content !== '') expect(lines[at - 1]).toBe(content);
        const said = lines.flatMap((content, index) => (/^(a|b|--- \{|  t)/.test(content) ? [index + 1] : []));
        expect(kept.map(([at]) => at)).toEqual(expect.arrayContaining(said));
      }),
    );
  });
});

describe('Manifests', () => {
  it('are read as kubectl reads them: 1.1 truths and octal numbers, dates and times as text, a merged map', () => {
    const text = `${CONFIG_MAP}data:\n  <<: {merged: "1"}\n  yes: on\n  mode: 0644\n  date: 2026-01-01\n  time: 12:30\n`;
    expect(readManifests(text, 'a.yaml').manifests[0]?.object['data']).toEqual({
      merged: '1',
      true: true,
      mode: 420,
      date: '2026-01-01',
      time: '12:30',
    });
  });

  it('come out of lists, typed lists and lists in lists, with the place that they have', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [] as unknown[] };
    list.items = [
      { apiVersion: 'v1', kind: 'PodList', items: [{ metadata: { name: 'p' } }] },
      { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }] },
    ];
    const { manifests } = readManifests(JSON.stringify(list), 'a.json');
    expect(manifests.map(({ object, path }) => [object['kind'], path.join('/')])).toEqual([
      ['Pod', 'items/0/items/0'],
      ['Secret', 'items/1/items/0'],
    ]);
  });

  it('of a list keep their number behind an element that is none', () => {
    const items = [null, 7, { metadata: { name: 'p' } }];
    const { manifests } = readManifests(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items }), 'a.json');
    expect(manifests.map(({ object, path }) => [object, path])).toEqual([
      [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }, ['items', 2]],
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no kind', { apiVersion: 'v1', metadata: { name: 'a' } }, '/items/1 has no kind'],
    ['no version', { kind: 'Pod' }, '/items/1 has no apiVersion'],
    ['neither', {}, '/items/1 has no kind and no apiVersion'],
    ['a kind that is no text', { apiVersion: 'v1', kind: 7 }, '/items/1 has no kind'],
    ['no object', null, '/items/1 is no object'],
  ])(
    'of a List that kubectl would not take are a fault, and the others are read: an element with %s',
    (_what, item, why) => {
      const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } };
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [object, item, object] });
      const { manifests, faults, others } = readManifests(`${CONFIG_MAP}---\n${list}\n`, 'a.yaml');
      expect(manifests.map(({ path }) => path.join('/'))).toEqual(['', 'items/0', 'items/2']);
      expect(others).toBe(0);
      expect(faults).toEqual([
        { file: 'a.yaml', line: 4, column: 1, message: `elements of the list were not read: ${why}` },
      ]);
    },
  );

  it('of a list of many that are none are one fault, which says how many', () => {
    const { faults } = readManifests(
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [1, {}, 2, 3, 4] }),
      'a.json',
    );
    expect(faults.map(({ message }) => message)).toEqual([
      'elements of the list were not read: /items/0 is no object, /items/1 has no kind and no apiVersion, /items/2 is no object and 2 more',
    ]);
  });

  it('of lists in eight lists are not looked for, and that is said', () => {
    const nest = (lists: number): object =>
      lists === 0
        ? { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }
        : { apiVersion: 'v1', kind: 'List', items: [nest(lists - 1)] };
    expect(readManifests(JSON.stringify(nest(7)), 'a.json')).toMatchObject({ manifests: [{}], faults: [] });
    const { manifests, faults } = readManifests(JSON.stringify(nest(8)), 'a.json');
    expect(manifests).toEqual([]);
    expect(faults.map(({ message }) => message)).toEqual([
      `elements of the list were not read: ${'/items/0'.repeat(8)} is in 8 lists`,
    ]);
  });

  it('of arrays that are no Lists may stand beside anything', () => {
    const text = JSON.stringify([{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }, 7, {}, null]);
    expect(readManifests(text, 'a.json')).toMatchObject({ manifests: [{ path: [0] }], faults: [], others: 0 });
  });

  it('of a list are as many as a large cluster has', () => {
    const items = Array.from({ length: 200_000 }, () => ({}));
    const { manifests } = readManifests(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items }), 'a.json');
    expect(manifests).toHaveLength(200_000);
  });

  it('of a kind that ends like a list and has no items are objects', () => {
    const text = 'apiVersion: shop.example/v1\nkind: PriceList\nmetadata: {name: a}\n';
    expect(readManifests(text, 'a.yaml').manifests.map(({ object }) => object['kind'])).toEqual(['PriceList']);
  });

  it('of a document that no API server would take are not read', () => {
    const { manifests, faults } = readManifests(`${CONFIG_MAP}---\ndata: ${'x'.repeat(8 * 1024 * 1024)}\n`, 'a.yaml');
    expect(manifests).toHaveLength(1);
    expect(faults).toEqual([
      {
        file: 'a.yaml',
        line: 4,
        column: 1,
        message: 'the document has 8388619 characters, and at most 8388608 are read',
      },
    ]);
  });

  it('of JSON after JSON are read as YAML is', () => {
    const one = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } });
    expect(readManifests(`${one}\n---\n${one}\n`, 'a.json').manifests).toHaveLength(2);
  });

  it('keep a key that is named __proto__ as data', () => {
    const { manifests } = readManifests(`${CONFIG_MAP}data:\n  __proto__: {a: b}\n`, 'a.yaml');
    expect(Object.keys(manifests[0]?.object['data'] ?? {})).toEqual(['__proto__']);
    expect(Reflect.get(Object.prototype, 'a')).toBeUndefined();
  });

  it.each<[string, string, string]>([
    ['a duplicate key', 'a: 1\na: 2\n', 'Map keys must be unique'],
    ['a tab', 'a:\n\tb: 1\n', 'Tabs are not allowed as indentation'],
    ['a template', `${CONFIG_MAP}data: {{ .Values.data }}\n`, 'helm template . | curfew check -'],
    ['a bomb', bomb(12), 'Excessive alias count'],
    ['an alias that leads nowhere', 'a: *b\n', 'Unresolved alias'],
    ['a depth that nobody writes', `a: ${'['.repeat(100_000)}`, ''],
  ])('of a document with %s are a fault with its place, and the others are read', (_what, broken, message) => {
    const { manifests, faults } = readManifests(`${CONFIG_MAP}---\n${broken}\n---\n${CONFIG_MAP}`, 'a.yaml');
    expect(manifests).toHaveLength(2);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.message).toContain(message);
    expect(faults[0]?.line).toBeGreaterThanOrEqual(4);
  });

  it('are told from other documents', () => {
    expect(readManifests('image: {tag: 1}\n---\n- 1\n---\ntext\n', 'values.yaml')).toEqual({
      manifests: [],
      faults: [],
      others: 3,
    });
  });

  it('never throw, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('{', '}', '[', ']', '---', '\n', ': ', '- ', '&a ', '*a', '"', '|', '%', '!!x ', 'k')),
        (parts) => {
          const { manifests, faults, others } = readManifests(parts.join(''), 'a');
          expect(manifests.length + faults.length + others).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

it('A document is parsed once for all who ask about it one after the other, and not kept beyond that', () => {
  const parseText = createTextParser();
  const [one, other] = splitDocuments('a: 1\n---\nb: 1\n');
  if (one === undefined || other === undefined) throw new Error('there are two');
  const first = parseText(one);
  expect(parseText(one)).toBe(first);
  expect(parseText(other).document.toJS()).toEqual({ b: 1 });
  expect(parseText(one)).not.toBe(first);
});

describe('A place', () => {
  const text = `# first\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: &m\n      name: a\n    data:\n      a/b~c: x\n    list: [1, {deep: 2}]\n    same: *m\n`;
  const [manifest] = readManifests(text, 'a.yaml').manifests;
  if (manifest === undefined) throw new Error('there is one');

  it.each<[string, number, number]>([
    ['', 6, 5],
    ['/metadata/name', 9, 7],
    ['/data/a~1b~0c', 11, 7],
    ['/data/missing/deeper', 10, 5],
    ['/list/1/deep', 12, 16],
    ['/same/name', 9, 7],
    ['/metadata/name/deeper', 9, 7],
    ['/list/7/deep', 12, 5],
  ])('of %j is line %d, column %d', (pointer, line, column) => {
    expect(createLocator()(manifest, pointer)).toEqual({ line, column });
  });
});

/** A few lines that stand for 9 to the power of `depth` strings. */
function bomb(depth: number): string {
  const lines = ['a0: &a0 [x]'];
  for (let level = 1; level <= depth; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}
