/**
 * What `embedded-token` costs for objects of 1 MiB without a token, beside JSON.parse of the same object. The request's
 * body is parsed anyway, so that is the measure.
 */

import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import check from '../src/checks/embedded-token.ts';
import { prepareExample } from '../src/engine/example-subject.ts';
import { exampleConfigMap, exampleSecret } from '../src/objects/example-objects.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { ratioOfFastest, timeEach, toSample } from './measure.ts';

const SIZE = 1_048_576;
const ROUNDS = 41;
const WARM_UP = 40;

const words = 'spec replicas: 3 image registry.example/web:1 lorem ipsum dolor sit amet {"key": "value"}, host a.b.c\n';
const text = repeat(words);
const binary = randomBytes(SIZE);
const release = Buffer.from(gzipSync(randomBytes(SIZE * 0.75)).toString('base64'));
const pem = Buffer.from(wrap(binary, '\n'));
const authority = `-----BEGIN CERTIFICATE-----\n${wrap(binary.subarray(0, 1_000), '\n')}\n-----END CERTIFICATE-----\n`;
const flawedPage = `${`${toBase64('abc')}\n`.repeat(780)}////\n`;
const kubeconfig = `apiVersion: v1
kind: Config
clusters:
  - name: shop
    cluster: {server: https://192.0.2.1:6443, certificate-authority-data: ${toBase64(authority)}}
users:
  - name: jane
    user: {client-certificate-data: ${toBase64(authority)}, client-key-data: ${toBase64(authority)}}
`;

type Case = {
  readonly name: string;
  readonly object: JsonObject;
  /** The most that judging may cost, as a multiple of JSON.parse. For a Secret it is about 1 ms where that takes 1.1 ms. */
  readonly most: number;
};

const CASES: readonly Case[] = [
  { name: 'Secret: random bytes', object: exampleSecret({ data: { blob: toBase64(binary) } }), most: 0.8 },
  {
    name: 'Secret: a Helm release (base64 of gzip)',
    object: exampleSecret({ data: { release: toBase64(release) } }),
    most: 0.9,
  },
  { name: 'Secret: text', object: exampleSecret({ data: { text: toBase64(text) } }), most: 0.9 },
  {
    name: 'Secret: wrapped base64 of random bytes',
    object: exampleSecret({ data: { pem: toBase64(pem) } }),
    most: 0.9,
  },
  {
    name: 'Secret: kubeconfigs',
    object: exampleSecret({ data: { config: toBase64(repeat(kubeconfig)) } }),
    most: 10,
  },
  { name: 'Secret: base64 of text', object: exampleSecret({ data: { text: twice(text) } }), most: 4 },
  {
    name: 'Secret: wrapped base64 of text',
    object: exampleSecret({ data: { text: toBase64(wrap(text, '\n')) } }),
    most: 8,
  },
  {
    name: 'Secret: wrapped base64 of text in JSON',
    object: exampleSecret({ data: { text: toBase64(wrap(text, '\\n')) } }),
    most: 8,
  },
  { name: 'Secret: 1,024 values of 1 KiB', object: exampleSecret({ data: splitInto(1_024) }), most: 1.6 },
  { name: 'Secret: 32,768 values of 32 bytes', object: exampleSecret({ data: splitInto(32_768) }), most: 1.6 },
  // Made to cost: of each page nearly all is text, and no page is text as a whole.
  {
    name: 'ConfigMap: base64 in lines of four',
    object: exampleConfigMap({ data: { text: repeat(flawedPage) } }),
    most: 150,
  },
  { name: 'ConfigMap: text', object: exampleConfigMap({ data: { text } }), most: 0.8 },
  {
    name: 'ConfigMap: base64 of text',
    object: exampleConfigMap({ data: { text: toBase64(text).slice(0, SIZE) } }),
    most: 3,
  },
  { name: 'ConfigMap: base64 of base64 of text', object: exampleConfigMap({ data: { text: twice(text) } }), most: 4 },
];

export default defineBenchmark({
  name: 'embedded-token',
  title: 'Looking for tokens in large objects',
  timeoutSeconds: 120,
  run: async () => [
    {
      title: '`embedded-token` on 1 MiB of data',
      about: `Objects whose data are 1 MiB without a token (1.4 MiB of JSON for a Secret), beside \`JSON.parse\` of the same
object. What holds no text is not decoded at all; of a Secret of text, most is decoding it. A ConfigMap that is base64 of text as
a whole is decoded page by page, and looked at again. Of tens of thousands of values most is reading their keys. Before it all of
them were judged ${WARM_UP} times, so that V8 has compiled what it will.`,
      columns: [
        { title: '`embedded-token`', unit: 'ms' },
        { title: '`JSON.parse`', unit: 'ms' },
      ],
      ratio: 'ratio',
      isCompared: true,
      rows: measureAll(),
    },
  ],
});

function measureAll(): readonly Row[] {
  const prepared = CASES.map(prepare);
  for (let round = 0; round < WARM_UP; round += 1) for (const { judge } of prepared) judge();
  return prepared.map(measure);
}

type Prepared = Pick<Case, 'name' | 'most'> & { judge(): unknown; parse(): unknown };

function prepare({ name, object: made, most }: Case): Prepared {
  const body = JSON.stringify(made);
  const object: JsonObject = JSON.parse(body);
  const { subject, context, settings } = prepareExample(check, {
    title: name,
    level: 'baseline',
    subject: { object },
    expect: 'allowed',
  });
  return {
    name,
    most,
    judge: () => check.evaluate(subject, settings, { ...context, level: 'baseline' }),
    parse: () => JSON.parse(body),
  };
}

function measure({ name, most, judge: evaluate, parse: read }: Prepared): Row {
  const { judge, parse } = timeEach({ judge: evaluate, parse: read }, { rounds: ROUNDS, batchMs: 1 });
  return { name, cells: [toSample(judge), toSample(parse)], ratio: { value: ratioOfFastest(judge, parse), most } };
}

function toBase64(bytes: Buffer | string): string {
  return Buffer.from(bytes).toString('base64');
}

function splitInto(count: number): JsonObject {
  const size = SIZE / count;
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `key-${index}`,
      toBase64(binary.subarray(index * size, (index + 1) * size)),
    ]),
  );
}

function repeat(part: string): string {
  return part.repeat(Math.ceil(SIZE / part.length)).slice(0, SIZE);
}

/** Base64 in lines, as `base64` and PEM write it. */
function wrap(bytes: Buffer | string, lineBreak: string): string {
  return (toBase64(bytes).match(/.{1,76}/g) ?? []).join(lineBreak).slice(0, SIZE);
}

function twice(plain: string): string {
  return toBase64(toBase64(plain)).slice(0, SIZE);
}
