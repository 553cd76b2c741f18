/** Texts that are nearly what somebody reads: YAML, annotations, tokens, lines of an audit log, JSON. */

import { stringify } from 'yaml';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt } from '../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { fc } from '../properties.ts';
import { hostileObject, hostileValue, mutated } from '../unit/arbitraries.ts';
import { eventLine } from '../unit/audit-log/events.ts';

/** A text with some stretches cut out, doubled or written over with `pieces`. */
export function edited(texts: fc.Arbitrary<string>, pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pieces) },
    fc.string({ maxLength: 4, unit: 'binary' }),
  );
  const edit = fc.record({ at: fc.nat(), length: fc.nat(12), piece, isDoubled: fc.boolean() });
  return fc.tuple(texts, fc.array(edit, { maxLength: 4 })).map(([text, edits]) =>
    edits.reduce((current, { at, length, piece: put, isDoubled }) => {
      const start = at % (current.length + 1);
      const end = isDoubled ? start : start + length;
      return current.slice(0, start) + put + current.slice(end);
    }, text),
  );
}

const YAML_PIECES = [
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '!!set ',
  '---\n',
  '...\n',
  '%YAML 1.2\n',
  '? ',
  '- ',
  '\t',
  '{{ .a }}',
];
const MORE_YAML_PIECES = [
  '|\n',
  '>-\n',
  '"',
  "'",
  '[',
  '{',
  '}',
  ': ',
  '\n',
  '\r\n',
  '#',
  '\u0000',
  '\u2028',
  '\ufeff',
  '~',
];

/** One document or several, most of them spoiled somewhere. */
export function yamlOf(objects: fc.Arbitrary<JsonObject>): fc.Arbitrary<string> {
  const documents = fc
    .array(objects, { minLength: 1, maxLength: 3 })
    .map((list) => list.map((object) => toYaml(object)).join('---\n'));
  return edited(documents, [...YAML_PIECES, ...MORE_YAML_PIECES]);
}

/** JSON where the writer of YAML refuses an object, as it does for some odd strings. */
function toYaml(object: JsonObject): string {
  try {
    return stringify(object, { aliasDuplicateObjects: true });
  } catch {
    return `${JSON.stringify(object)}\n`;
  }
}

/** Characters of YAML in any order: what no editing of a sound document comes to. */
export const yamlNoise: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...YAML_PIECES, ...MORE_YAML_PIECES, 'apiVersion: v1\n', 'kind: Secret\n', 'a', '  '), {
    maxLength: 24,
  })
  .map((parts) => parts.join(''));

const ANNOTATIONS = [
  '{audience: vault, expiration: 10m}',
  'audience: vault\nenv: T\nmountPath: /x/y\npath: a/b\nmode: "0440"\ncontainers: [app]\n',
  '{preset: aws-irsa, roleArn: "arn:aws:iam::1:role/a"}',
  '{audience: a, excludeContainers: [b], overrideEnv: true}',
  'off',
  '{preset: gcp, provider: p}',
];
const ANNOTATION_PIECES = [
  '[',
  ']',
  '{',
  '}',
  '- ',
  '? ',
  ': ',
  ', ',
  '&a ',
  '*a',
  '!!str ',
  '\n',
  '"',
  '1e3',
  '3607',
  '24h',
  '-1',
  '~',
];
export const annotation = edited(fc.constantFrom(...ANNOTATIONS), [
  ...ANNOTATION_PIECES,
  'expiration',
  'preset',
  'audience',
]);

const JWTS = [
  exampleJwt(EXAMPLE_LEGACY_CLAIMS),
  exampleJwt(exampleBoundClaims(3600)),
  exampleJwt({}),
  'e30.e30.e30',
  'a.b.c',
  '...',
];
const ownClaims = fc
  .oneof(mutated([EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims(3600)]), hostileObject)
  .filter((claims) => /^[\0-\xff]*$/.test(JSON.stringify(claims)))
  .map((claims) => exampleJwt(claims));
export const jwt = fc.oneof(
  edited(fc.constantFrom(...JWTS), ['.', '-', '_', '=', 'e30', 'eyJhbGciOiJ4In0', '\u0000', ' ', '\n']),
  ownClaims,
);

const LINES = [
  eventLine(),
  eventLine({
    verb: 'create',
    objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'a', name: 'b' },
  }),
  eventLine({ more: { requestObject: { spec: { expirationSeconds: 600, audiences: ['a'] } } } }),
  eventLine({ verb: 'get', more: { objectRef: null, requestURI: '/metrics?x' } }),
  eventLine({ verb: 'watch', stage: 'ResponseStarted' }),
];
const EVENTS = LINES.map((line): JsonObject => JSON.parse(line));
export const auditLine = fc.oneof(
  mutated(EVENTS).map((event) => JSON.stringify(event)),
  fc.tuple(fc.constantFrom(...EVENTS), hostileObject).map(([event, more]) => JSON.stringify({ ...event, ...more })),
  edited(fc.constantFrom(...LINES), ['"', '{', '}', ',', '\\u0000', '\\', '1e999', 'null']),
);

export const jsonText = edited(
  hostileValue.map((value) => JSON.stringify(value)),
  ['[', ']', '{', '}', ',', '"', '\\', '\\"', '{}', '[]', ' ', '\n', '\u0000'],
);
