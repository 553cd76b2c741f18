/**
 * `npm run bench`: what `embedded-token` costs for objects of 1 MiB without a token, beside
 * JSON.parse of the same object in the same run. The request's body is parsed anyway, so that is the measure.
 */

import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import check from '../src/checks/embedded-token.ts';
import { prepareExample } from '../src/engine/example-subject.ts';
import { exampleConfigMap, exampleSecret } from '../src/objects/example-objects.ts';
import type { JsonObject } from '../src/objects/json.ts';

const SIZE = 1_048_576;
const WARM_UP = 20;
const ROUNDS = 101;

const words = 'spec replicas: 3 image registry.example/web:1 lorem ipsum dolor sit amet {"key": "value"}, host a.b.c\n';
const text = words.repeat(Math.ceil(SIZE / words.length)).slice(0, SIZE);
const binary = randomBytes(SIZE);
const release = Buffer.from(gzipSync(randomBytes(SIZE * 0.75)).toString('base64'));
const lines = (binary.toString('base64').match(/.{1,76}/g) ?? []).join('\n').slice(0, SIZE);
const pem = Buffer.from(lines);

const OBJECTS: readonly (readonly [string, JsonObject])[] = [
  ['Secret: random bytes', exampleSecret({ data: { blob: binary.toString('base64') } })],
  ['Secret: a Helm release (base64 of gzip)', exampleSecret({ data: { release: release.toString('base64') } })],
  ['Secret: text', exampleSecret({ data: { text: Buffer.from(text).toString('base64') } })],
  ['Secret: wrapped base64 of random bytes', exampleSecret({ data: { pem: pem.toString('base64') } })],
  ['Secret: 1,024 values of 1 KiB', exampleSecret({ data: splitInto(1_024) })],
  ['ConfigMap: text', exampleConfigMap({ data: { text } })],
  [
    'ConfigMap: base64 of text',
    exampleConfigMap({ data: { text: Buffer.from(text).toString('base64').slice(0, SIZE) } }),
  ],
  ['ConfigMap: base64 of base64 of text', exampleConfigMap({ data: { text: twice(text) } })],
];

for (const [name, made] of OBJECTS) {
  const body = JSON.stringify(made);
  const object: JsonObject = JSON.parse(body);
  const { subject, context, settings } = prepareExample(check, {
    title: name,
    level: 'baseline',
    subject: { object },
    expect: 'allowed',
  });
  const parse = fastest(() => JSON.parse(body));
  const judge = fastest(() => check.evaluate(subject, settings, { ...context, level: 'baseline' }));
  const row = [`${judge.toFixed(2)} ms`, `JSON.parse ${parse.toFixed(2)} ms`, `ratio ${(judge / parse).toFixed(2)}`];
  console.log(`${name.padEnd(44)}${row.map((cell) => cell.padEnd(22)).join('')}`.trimEnd());
}

function splitInto(count: number): JsonObject {
  const size = SIZE / count;
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `key-${index}`,
      binary.subarray(index * size, (index + 1) * size).toString('base64'),
    ]),
  );
}

function twice(plain: string): string {
  return Buffer.from(Buffer.from(plain).toString('base64')).toString('base64').slice(0, SIZE);
}

/** In ms: the least, for whatever else runs on the machine can only add to it. */
function fastest(run: () => unknown): number {
  for (let round = 0; round < WARM_UP; round += 1) run();
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}
