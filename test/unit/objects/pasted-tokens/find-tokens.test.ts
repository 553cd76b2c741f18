import { describe, expect, it } from 'vitest';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt } from '../../../../src/objects/example-tokens.ts';
import { createTokenSearch, LEAST_TOKEN_CHARACTERS } from '../../../../src/objects/pasted-tokens/find-tokens.ts';
import { fc } from '../../../properties.ts';
import { numRuns } from '../../arbitraries.ts';

const CLAIMS = exampleBoundClaims(7_200);
const TOKEN = exampleJwt(CLAIMS);
const LEGACY_TOKEN = exampleJwt(EXAMPLE_LEGACY_CLAIMS);

const findTokens = (text: string) => createTokenSearch().findIn(text);
const findTokensInData = (data: string) => createTokenSearch().findInData(data);
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const base64Url = (text: string) => Buffer.from(text, 'latin1').toString('base64url');
const wrap = (text: string, width: number, joint: string) =>
  (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(joint);
const kubeconfig = (token: string) =>
  `apiVersion: v1\nusers:\n- name: ci\n  user:\n    token: ${token}\n    # Zoë\ncurrent-context: main\n`;
const dockerConfig = (token: string) =>
  JSON.stringify({ auths: { 'registry.example': { auth: base64(`ci:${token}`) } } }, undefined, 2);

/** Some pages of it are decoded at once. */
const LONG = 'a line of text\n'.repeat(700);
const BINARY = '\xff\x00\x80'.repeat(3_000);

const WRAPPINGS: readonly (readonly [string, string])[] = [
  ['nothing', TOKEN],
  ['white space', ` ${TOKEN}\n`],
  ['quotes', `"${TOKEN}"`],
  ['a header', `Authorization: Bearer ${TOKEN}`],
  ['an argument', `--token=${TOKEN}`],
  ['dotenv', `A=b.c\nTOKEN=${TOKEN}\nB=d\n`],
  ['JSON', JSON.stringify({ a: 1, token: TOKEN })],
  ['JSON in JSON', JSON.stringify({ config: JSON.stringify({ bearerToken: TOKEN }) })],
  ['a kubeconfig', kubeconfig(TOKEN)],
  ['a kubeconfig in JSON', JSON.stringify({ kubeconfig: kubeconfig(TOKEN) })],
  ['letters on both sides', `eyJabc${TOKEN}abc`],
  ['a sentence', `See eyJ.eyJ. and then ${TOKEN}.`],
  ['base64', base64(TOKEN)],
  ['base64 of the other alphabet', base64Url(`>>>???${TOKEN}`)],
  ['base64 after one byte', base64(`x${TOKEN}`)],
  ['base64 after two bytes', base64(`xy${TOKEN}`)],
  ['base64 after binary data', base64(`\xff\x00\x80\xfe${TOKEN}\xff`)],
  ['base64 in JSON', JSON.stringify({ config: base64(kubeconfig(TOKEN)) })],
  ['base64 stuck to other letters', `data/${base64(TOKEN)}Z`],
  ['base64 of 76 columns', wrap(base64(TOKEN), 76, '\n')],
  ['base64 of 64 columns with CRLF', wrap(base64(TOKEN), 64, '\r\n')],
  ['base64 of 61 columns, indented', `token: |\n    ${wrap(base64(TOKEN), 61, '\n    ')}\n`],
  ['base64 of 76 columns in JSON', JSON.stringify({ token: wrap(base64(TOKEN), 76, '\n') })],
  ['base64 of 75 columns in JSON', JSON.stringify({ token: wrap(base64(`x${TOKEN}`), 75, '\r\n') })],
  ['base64 of 76 columns in JSON in JSON', JSON.stringify({ a: JSON.stringify({ b: wrap(base64(TOKEN), 76, '\n') }) })],
  ['base64 of pages of text of 76 columns', wrap(base64(`${LONG}${TOKEN}${LONG}`), 76, '\n')],
  ['base64 of pages of text of 75 columns, indented', wrap(base64(`${LONG}${TOKEN}${LONG}`), 75, '\r\n  ')],
  ['base64 of pages of text of 76 columns in JSON', JSON.stringify([wrap(base64(`${LONG}${TOKEN}${LONG}`), 76, '\n')])],
  ['base64 after the end of another, on one page', `${base64(LONG.slice(0, 2_000))}\n${base64(`${LONG}${TOKEN}`)}`],
  [
    'base64 after lines with an end, on one page',
    `${wrap(base64(LONG.slice(0, 1_000)), 76, '\n')}\n${base64(TOKEN)}\n`,
  ],
  ['base64 of pages of text', base64(`${LONG}${TOKEN}${LONG}`)],
  ['base64 after a page of base64 that begins elsewhere', `${base64(LONG)}x${base64(`${LONG}${TOKEN}${BINARY}`)}`],
  ['base64 of pages of text of the other alphabet', base64Url(`>>>???${LONG}${TOKEN}>>>???${LONG}`)],
  ['base64 of pages of text before binary data', base64(`${LONG}${TOKEN}${BINARY}`)],
  ['.dockerconfigjson', dockerConfig(TOKEN)],
  ['base64 of .dockerconfigjson', base64(dockerConfig(TOKEN))],
  ['base64 twice', base64(base64(TOKEN))],
  ['base64 twice of the other alphabet', base64Url(base64Url(TOKEN))],
  ['base64 twice of 76 columns', wrap(base64(wrap(base64(TOKEN), 76, '\n')), 76, '\n')],
  ['base64 of a kubeconfig in base64 of JSON', base64(JSON.stringify({ a: base64(kubeconfig(TOKEN)) }))],
];

describe('The search for tokens', () => {
  it.each(WRAPPINGS)('finds a token in %s', (_name, text) => {
    expect(findTokens(text)).toEqual([CLAIMS]);
    expect(findTokensInData(Buffer.from(text).toString('base64'))).toEqual([CLAIMS]);
  });

  it('finds every token', () => {
    const claims = [CLAIMS, EXAMPLE_LEGACY_CLAIMS];
    expect(findTokens(`${TOKEN} ${LEGACY_TOKEN}`)).toEqual(claims);
    expect(findTokens(`${base64(TOKEN)} ${base64(LEGACY_TOKEN)}`)).toEqual(claims);
    expect(findTokens(base64(`${kubeconfig(TOKEN)}\n${kubeconfig(LEGACY_TOKEN)}`))).toEqual(claims);
  });

  it('looks at so many texts that look like tokens, and says so', () => {
    const search = createTokenSearch(2);
    expect([search.findIn(`${TOKEN} ${LEGACY_TOKEN}`).length, search.isCut()]).toEqual([2, false]);
    expect([search.findIn('none here').length, search.isCut()]).toEqual([0, false]);
    expect([search.findIn(base64(TOKEN)).length, search.isCut()]).toEqual([0, true]);
  });

  it('finds a token whose header holds an object, which looks like the start of a header itself', () => {
    const [, payload = '', signature = ''] = TOKEN.split('.');
    const header = base64Url('{"alg":"RS256","jwk":{"kty":"RSA"}}');
    expect(header.lastIndexOf('eyJ')).toBeGreaterThan(0);
    expect(findTokens(`Bearer ${header}.${payload}.${signature}`)).toEqual([CLAIMS]);
  });

  it('takes a few letters within binary data for nothing', () => {
    // Where it looks: at the 256th character of base64, which is the 192nd byte.
    const letters = `${'\xff'.repeat(192)}only letters, no token${BINARY}`;
    expect(findTokensInData(base64(letters))).toEqual([]);
    expect(findTokensInData(base64(`${'\xff'.repeat(192)}${TOKEN}${BINARY}`))).toEqual([CLAIMS]);
  });

  it('reads data that is no base64 as text', () => {
    expect(findTokensInData(`{"token": "${TOKEN}"}`)).toEqual([CLAIMS]);
  });

  it('finds the shortest token, and in nothing shorter', () => {
    const claims = base64Url(`{"iss":"i","sub":"${'s'.repeat(10)}"}`);
    const shortest = `${base64Url('{"alg":""}')}.${claims}.s`;
    expect(shortest).toHaveLength(LEAST_TOKEN_CHARACTERS);
    expect(findTokens(shortest)).toHaveLength(1);
    expect(findTokens(shortest.slice(0, -1))).toEqual([]);
  });

  const [header = '', payload = '', signature = ''] = TOKEN.split('.');
  it.each([
    ['an empty text', ''],
    ['a token that was cut off', `${header}.${payload}`],
    ['a token without a signature', `${header}.${payload}.`],
    ['a token whose signature was blotted out', `${header}.${payload}.<redacted>`],
    ['claims without a header', `.${payload}.${signature}`],
    ['claims after something that is no header', `${base64Url('{"typ":"JWT"}')}.${payload}.${signature}`],
    ['claims that are no JSON', `${header}.eyJhYmM.${signature}`],
    ['base64 three times', base64(base64(base64(TOKEN)))],
  ])('finds nothing in %s', (_name, text) => {
    expect(findTokens(text)).toEqual([]);
  });

  it('finds it wherever it stands, in text or in bytes, in base64 or not', () => {
    const surroundings = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 300 }),
      fc.string({
        unit: fc.constantFrom('a', 'z', 'A', 'Z', '0', '9', '+', '/', '-', '_', '=', '\n', ' ', '.'),
        maxLength: 300,
      }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      // Some pages are decoded at once.
      fc.integer({ min: 200, max: 400 }).map((count) => LONG.slice(0, count * 20)),
    );
    const wrapping = fc.record({
      before: surroundings,
      after: surroundings,
      isUrl: fc.boolean(),
      width: fc.constantFrom(0, 60, 64, 75, 76),
      joint: fc.constantFrom('\n', '\r\n', '\n  ', '\\n', '\\\\n'),
    });
    fc.assert(
      fc.property(
        fc.array(wrapping, { maxLength: 2 }),
        surroundings,
        surroundings,
        fc.constantFrom(TOKEN, LEGACY_TOKEN),
        (wrappings, before, after, token) => {
          const text = wrappings.reduce((inner, { isUrl, width, joint, ...around }) => {
            const encoded = isUrl ? base64Url(inner) : base64(inner);
            return `${around.before}${width === 0 ? encoded : wrap(encoded, width, joint)}${around.after}`;
          }, `${before}${token}${after}`);
          expect(findTokens(text)).toContainEqual(token === TOKEN ? CLAIMS : EXAMPLE_LEGACY_CLAIMS);
        },
      ),
      { numRuns: numRuns() },
    );
  });

  it('finds nothing in what is no token, and throws at nothing', () => {
    const pieces = fc.constantFrom(
      'eyJ',
      '.eyJ',
      'ZXlK',
      '.',
      '\n',
      '\\n',
      '  ',
      '=',
      'LmV5Sg',
      'AAAA',
      '\\',
      '\ud800',
      'abc+/-_',
    );
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.array(pieces, { maxLength: 300 }).map((parts) => parts.join('')),
      fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        expect(findTokens(text)).toEqual([]);
        expect(findTokensInData(text)).toEqual([]);
      }),
      { numRuns: numRuns() },
    );
  });
});
