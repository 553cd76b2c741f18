/** Texts for `curfew check` that are made to hurt whoever parses YAML, with its exit code and words of its answer. */

import { HOSTILE_TOKEN, OBEYED } from './objects.ts';

export type HostileStream = {
  readonly name: string;
  readonly text: () => string;
  readonly code: 0 | 1 | 2;
  readonly says: string | RegExp;
};

const SECRET =
  'apiVersion: v1\nkind: Secret\nmetadata: {name: example, namespace: shop}\ntype: kubernetes.io/service-account-token\n';
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: example, namespace: shop}\n';
const DENIED = { code: 1, says: 'long-lived-token-secret' } as const;
const UNREADABLE = { code: 2, says: 'cannot be read' } as const;

/** Nine lines, and a billion of words. */
const LAUGHS = ['a: &a [x,x,x,x,x,x,x,x,x]']
  .concat(
    'bcdefghi'.split('').map((letter, index) => `${letter}: &${letter} [${`*${'abcdefgh'.charAt(index)},`.repeat(9)}]`),
  )
  .join('\n');

export const HOSTILE_STREAMS: readonly HostileStream[] = [
  {
    name: 'a billion laughs',
    text: () => `${CONFIG_MAP}data:\n  ${LAUGHS.replaceAll('\n', '\n  ')}\n`,
    code: 2,
    says: /alias/i,
  },
  {
    name: 'a billion laughs in merged maps',
    text: () =>
      `${CONFIG_MAP}data:\n  a: &a {x: y}\n${'bcdefghi'
        .split('')
        .map((letter, index) => `  ${letter}: &${letter} {<<: [${`*${'abcdefgh'.charAt(index)},`.repeat(9)}]}\n`)
        .join('')}`,
    ...UNREADABLE,
  },
  { name: 'a map that holds itself', text: () => `${CONFIG_MAP}data: &a\n  b: *a\n`, ...UNREADABLE },
  { name: 'a map that merges itself', text: () => `${CONFIG_MAP}data: &a\n  <<: *a\n  b: c\n`, ...UNREADABLE },
  { name: 'an alias of nothing', text: () => `${CONFIG_MAP}data: *nothing\n`, ...UNREADABLE },
  { name: 'an alias in front of its anchor', text: () => `${CONFIG_MAP}data: *a\nb: &a x\n`, ...UNREADABLE },
  { name: '100,000 open brackets', text: () => `${CONFIG_MAP}data: ${'['.repeat(100_000)}\n`, ...UNREADABLE },
  {
    name: '100,000 brackets',
    text: () => `${CONFIG_MAP}data: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
    ...UNREADABLE,
  },
  {
    name: '20,000 list marks on a line',
    text: () => `${CONFIG_MAP}data: \n  ${'- '.repeat(20_000)}x\n`,
    ...UNREADABLE,
  },
  {
    name: '3,000 maps in one another',
    text: () =>
      `${CONFIG_MAP}data:\n${Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth + 1)}a:\n`).join('')}`,
    code: 2,
    says: /cannot be read/,
  },
  {
    name: 'a key of 1 MiB',
    text: () => `${CONFIG_MAP}data: {${'k'.repeat(1_048_576)}: v}\n`,
    code: 0,
    says: '0 denied',
  },
  { name: 'a key of 1 MiB in quotes', text: () => `${SECRET}data: {"${'k'.repeat(1_048_576)}": v}\n`, ...DENIED },
  { name: 'a type given twice, the harmless one last', text: () => `${SECRET}type: Opaque\n`, code: 2, says: 'unique' },
  {
    name: 'a type given twice in JSON, as the API server reads it: the last counts',
    text: () =>
      '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"Opaque","type":"kubernetes.io/service-account-token"}',
    ...DENIED,
  },
  { name: 'a type in two spellings', text: () => `${SECRET}"\\x74ype": Opaque\n`, code: 2, says: 'unique' },
  {
    name: 'a key __proto__ that says Opaque',
    text: () => SECRET.replace('type: ', '__proto__: {type: Opaque}\ntype: '),
    ...DENIED,
  },
  {
    name: 'a type that is only in the prototype',
    text: () =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n__proto__: {type: kubernetes.io/service-account-token}\n`,
    code: 0,
    says: '0 denied',
  },
  {
    name: 'a merged type',
    text: () =>
      `x: &x {type: kubernetes.io/service-account-token}\n<<: *x\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n`,
    ...DENIED,
  },
  { name: 'a merged type that the map overrides', text: () => `x: &x {type: Opaque}\n<<: *x\n${SECRET}`, ...DENIED },
  {
    name: 'tags of other languages',
    text: () =>
      `${CONFIG_MAP}data: !!js/function 'function () { process.exit() }'\nx: !!python/object/apply:os.system [id]\n`,
    code: 0,
    says: '0 denied',
  },
  { name: 'a type with a tag', text: () => SECRET.replace('type: ', 'type: !!str '), ...DENIED },
  { name: 'a type as a block', text: () => SECRET.replace('type: ', 'type: >-\n  '), ...DENIED },
  {
    name: 'a type in escapes',
    text: () =>
      SECRET.replace('type: kubernetes', 'type: "\\x6b\\u0075bernetes').replace('account-token\n', 'account-token"\n'),
    ...DENIED,
  },
  {
    name: 'binary that is none',
    text: () => `${CONFIG_MAP}binaryData: {a: !!binary "%%%"}\n`,
    code: 0,
    says: '0 denied',
  },
  {
    name: 'a set, an ordered map and pairs',
    text: () => `${CONFIG_MAP}data: !!omap [a: b]\nx: !!set {? a}\ny: !!pairs [a: b]\n`,
    code: 0,
    says: '0 denied',
  },
  { name: '100,000 separators', text: () => `${'---\n'.repeat(100_000)}${SECRET}`, ...DENIED },
  {
    name: '100,000 separators and nothing else',
    text: () => '---\n'.repeat(100_000),
    code: 2,
    says: 'there is no Kubernetes object in it',
  },
  { name: '100,000 ends of documents', text: () => `${'...\n'.repeat(100_000)}---\n${SECRET}`, ...DENIED },
  {
    name: '20,000 broken documents',
    text: () => `${'---\n{\n'.repeat(20_000)}---\n${SECRET}`,
    code: 2,
    says: 'long-lived-token-secret',
  },
  {
    name: '100,000 directives',
    text: () => `${'%FOO bar\n'.repeat(100_000)}---\n${SECRET}`,
    code: 2,
    says: 'at most 100',
  },
  { name: 'a version of YAML that does not exist', text: () => `%YAML 9.9\n---\n${SECRET}`, ...DENIED },
  {
    name: 'a separator in a block of text',
    text: () => `${CONFIG_MAP}data:\n  a: |\n    x\n---\n${SECRET}`,
    ...DENIED,
  },
  { name: 'lines that end as on old Macs', text: () => SECRET.replaceAll('\n', '\r'), code: 2, says: /./ },
  { name: 'a byte order mark', text: () => `\ufeff${SECRET}`, ...DENIED },
  { name: 'a zero byte', text: () => SECRET.replace('name: example', 'name: "a\u0000b"'), ...DENIED },
  {
    name: 'a name that a terminal obeys',
    text: () =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: OBEYED, namespace: OBEYED },
        type: 'kubernetes.io/service-account-token',
      }),
    ...DENIED,
  },
  {
    name: 'a namespace that a terminal obeys, of what cannot be judged',
    text: () =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a', namespace: OBEYED },
        spec: { containers: [{ name: 'app' }] },
      }),
    code: 2,
    says: /./,
  },
  {
    name: 'a mistake in words that a terminal obeys',
    text: () => `${CONFIG_MAP}data: *${OBEYED.replaceAll(/[\n\r\u0000]/g, '')}\n`,
    ...UNREADABLE,
  },
  { name: 'a token in what is no YAML', text: () => `${CONFIG_MAP}data: {a: ${HOSTILE_TOKEN}\n  b\n`, ...UNREADABLE },
  {
    name: 'lists in lists, 200 deep',
    text: () => `${'{"apiVersion":"v1","kind":"List","items":['.repeat(200)}${']}'.repeat(200)}`,
    code: 2,
    says: /there is no|0 denied/,
  },
  {
    name: 'a list that claims to be no list',
    text: () =>
      `apiVersion: v1\nkind: SecretList\nitems:\n- {metadata: {name: a}, type: kubernetes.io/service-account-token}\n`,
    ...DENIED,
  },
  {
    name: 'numbers that are none',
    text: () => `${CONFIG_MAP}data: {a: .inf, b: .nan, c: 1e999, d: 0o777, e: 0x_, f: 1_000}\n`,
    code: 0,
    says: '0 denied',
  },
  { name: 'a line of 4 MiB', text: () => `${SECRET}# ${'x'.repeat(4_194_304)}\n`, ...DENIED },
];
