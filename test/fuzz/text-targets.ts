/** Whatever reads a text that a stranger wrote. */

import { deepStrictEqual, ok } from 'node:assert/strict';
import { readAuditEvent } from '../../src/audit-log/read-event.ts';
import { addEvent, createUsageTally } from '../../src/audit-log/usage-tally.ts';
import { Fault } from '../../src/errors.ts';
import { parseToken } from '../../src/injection/annotation.ts';
import { createLocator } from '../../src/manifests/locate.ts';
import { readManifests } from '../../src/manifests/read-manifests.ts';
import { findClosest } from '../../src/objects/closest.ts';
import { parseSeconds } from '../../src/objects/duration.ts';
import { matchesGlob } from '../../src/objects/glob.ts';
import { isObject } from '../../src/objects/json.ts';
import { decodeJwtClaims } from '../../src/objects/jwt.ts';
import { createTokenSearch } from '../../src/objects/pasted-tokens/find-tokens.ts';
import { readTokenFacts } from '../../src/objects/pasted-tokens/token-facts.ts';
import { cutToBytes, joinNames, quote, toOneLine } from '../../src/objects/text.ts';
import { BUILT_IN_PRESETS } from '../../src/presets/registry.ts';
import { renderTokenPage } from '../../src/reports/token-page.ts';
import { listUsageManifests, renderUsageTable } from '../../src/reports/usage-table.ts';
import { countValues } from '../../src/review/count-values.ts';
import { parseReview } from '../../src/review/parse.ts';
import { fc } from '../properties.ts';
import { hostileValue, mutated } from '../unit/arbitraries.ts';
import { type TargetProperty, defineTarget as target } from './define-target.ts';
import { askTwice, checkLine, checkText } from './invariants.ts';
import { kubernetesObject, spoiled } from './kubernetes.ts';
import { annotation, auditLine, edited, jsonText, jwt, yamlNoise, yamlOf } from './texts.ts';

const LIMITS = { minSeconds: 600, maxSeconds: 86_400 };
/** The sentence quotes 80 characters of what was written, and names what is allowed. */
const MOST_SENTENCE = 1_000;

const words = fc.record({
  text: fc.oneof(fc.string({ unit: 'binary', maxLength: 120 }), jwt),
  pattern: fc.string({ unit: fc.constantFrom('*', '?', 'a', 'b', '-'), maxLength: 12 }),
  subject: fc.string({ unit: fc.constantFrom('a', 'b', '-', 'é'), maxLength: 24 }),
  most: fc.integer({ min: 3, max: 100 }),
});

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    name: 'web',
    namespace: 'shop',
    operation: 'UPDATE',
    userInfo: { username: 'jane', groups: ['system:authenticated'] },
    object: { kind: 'Pod' },
    oldObject: { kind: 'Pod' },
    dryRun: false,
  },
};

/** As many as a text of JSON holds, counted on what the parser makes of it. */
function countParsed(value: unknown): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    count += 1;
    const next = open.pop();
    if (Array.isArray(next)) open.push(...next);
    else if (isObject(next)) open.push(...Object.values(next));
  }
  return count;
}

export const TEXT_TARGETS: readonly TargetProperty[] = [
  target('jwt', jwt, (text) => {
    const claims = askTwice(() => decodeJwtClaims(text));
    const search = createTokenSearch();
    for (const found of [...search.findIn(text), ...search.findInData(text)]) ok(isObject(found));
    const facts = claims === undefined ? undefined : readTokenFacts(claims);
    if (facts === undefined) return;
    checkText(renderTokenPage(facts, { now: 0, apiAudiences: ['a'], isAssumed: true }), 'the page of a token');
  }),

  target('annotation', annotation, (text) => {
    const ask = () => parseToken('vault', text, { presets: BUILT_IN_PRESETS, limitsOf: () => LIMITS });
    const parsed = askTwice(ask);
    if (parsed.state === 'wrong') {
      ok(parsed.problems.length > 0, 'what is wrong is said');
      for (const { problem, fix } of parsed.problems) ok(problem.length + fix.length < MOST_SENTENCE, problem);
    }
    if (parsed.state !== 'asked') return;
    const { expirationSeconds = LIMITS.minSeconds, audience = 'a', parameters } = parsed.token;
    ok(expirationSeconds >= LIMITS.minSeconds && expirationSeconds <= LIMITS.maxSeconds);
    for (const value of [audience, ...parameters.values()]) checkLine(value, 'what is taken over');
  }),

  target('audit-log', fc.array(auditLine, { maxLength: 3 }), (lines) => {
    const tally = createUsageTally();
    for (const line of lines) {
      const event = askTwice(() => readAuditEvent(line));
      if (event !== undefined && event !== 'other stage') addEvent(tally, event);
    }
    const report = { tally, known: undefined, skippedLines: 0 };
    checkText(renderUsageTable(report), 'the table of token use');
    JSON.stringify(listUsageManifests(report));
  }),

  target('yaml', fc.oneof({ weight: 3, arbitrary: yamlOf(spoiled(kubernetesObject)) }, yamlNoise), (text) => {
    const { manifests, faults } = askTwice(() => readManifests(text, 'a.yaml'));
    const lines = text.split('\n').length;
    for (const { line, column, message } of faults) {
      ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} is in no text of ${lines} lines`);
      ok(message !== '' && !message.includes('\n'), message);
    }
    const locate = createLocator();
    for (const manifest of manifests) {
      const { line, column } = locate(manifest, '/metadata/name');
      ok(line >= 1 && line <= lines && column >= 1);
    }
  }),

  target('json', jsonText, (text) => {
    let value: unknown;
    const counted = countValues(text);
    ok(counted >= 1 && counted <= text.length + 1);
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    // A key that is given twice is one value of what is parsed.
    ok(counted >= countParsed(value), `${counted} counted`);
  }),

  target('review', fc.oneof(mutated([REVIEW]), hostileValue), (body) => {
    try {
      const { uid, subject } = askTwice(() => parseReview(body));
      ok(uid !== '' && uid.length <= 128);
      ok(isObject(subject.object));
    } catch (error) {
      ok(error instanceof Fault && error.code === 'CURFEW_E_NOT_A_REVIEW', String(error));
      checkLine(error.message, 'a fault');
    }
  }),

  target('words', words, ({ text, pattern, subject, most }) => {
    for (const line of [quote(text), toOneLine(text), joinNames('container', [text, text])]) {
      ok(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line) && line.isWellFormed());
    }
    const cut = cutToBytes(text.toWellFormed(), most);
    ok(new TextEncoder().encode(cut).length <= most && cut.isWellFormed());
    const seconds = parseSeconds(text);
    ok(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0));
    findClosest(text, ['audience', 'expiration']);
    const source = pattern.replaceAll('?', '.').replaceAll('*', '.*');
    deepStrictEqual(matchesGlob(pattern, subject), new RegExp(`^${source}$`, 'su').test(subject));
  }),

  target(
    'duration',
    edited(fc.constantFrom('1h30m', '600', '10m', '24h0m1s'), ['h', 'm', 's', '9', '0', '-', '.']),
    (text) => {
      const seconds = askTwice(() => parseSeconds(text));
      ok(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0), `${text}: ${seconds}`);
    },
  ),
];
