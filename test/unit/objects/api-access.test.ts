import { describe, expect, it } from 'vitest';
import {
  type AccessQuery,
  API_ACCESS_ANNOTATION,
  API_ACCESS_SOURCES,
  type ApiAccessSource,
  faultOfReason,
  findDocumentedAccess,
  MOST_REASON_CHARACTERS,
} from '../../../src/objects/api-access.ts';
import { fc } from '../../properties.ts';
import { numRuns } from '../arbitraries.ts';

type Texts = Partial<Record<ApiAccessSource, string>>;

/** A query about a pod, an account and a namespace that bear these texts. */
function query(texts: Texts, acceptFrom: readonly ApiAccessSource[], more: Partial<AccessQuery> = {}): AccessQuery {
  const annotations = (source: ApiAccessSource) =>
    new Map(texts[source] === undefined ? [] : [[API_ACCESS_ANNOTATION, texts[source]]]);
  return {
    serviceAccount: { state: 'found', value: { annotations: annotations('ServiceAccount') } },
    podMetadata: { annotations: Object.fromEntries(annotations('Pod')) },
    namespace: {
      state: 'found',
      value: { name: 'shop', labels: new Map(), annotations: annotations('Namespace') },
    },
    acceptFrom,
    ...more,
  };
}

describe('A reason', () => {
  it.each([
    ['', 'it is empty'],
    [' \t\n ', 'it is empty'],
    ['\u200b\u2060', 'it is empty'],
    ['<why>', 'it is still the placeholder <why>'],
    [' <why>\n', 'it is still the placeholder <why>'],
    ['---', '"---" is no reason'],
    ['\u3164\u115f\uffa0', '"\u3164\u115f\uffa0" is no reason'],
    ['x'.repeat(501), 'it has 501 characters, and at most 500 are allowed'],
    ['lists endpoints', undefined],
    ['列出端点', undefined],
    ['x'.repeat(500), undefined],
  ])('%j counts, or it is said why not', (reason, fault) => {
    expect(faultOfReason(reason)).toBe(fault);
  });
});

describe('Documented access', () => {
  it('counts on the service account alone, unless the administrator says otherwise', () => {
    const texts = { Pod: 'a pod', ServiceAccount: 'an account', Namespace: 'a namespace' };
    expect(findDocumentedAccess(query(texts, ['ServiceAccount']))).toEqual({
      state: 'documented',
      source: 'ServiceAccount',
      reason: 'an account',
    });
    expect(findDocumentedAccess(query(texts, API_ACCESS_SOURCES))).toMatchObject({ source: 'Pod', reason: 'a pod' });
    expect(findDocumentedAccess(query(texts, ['Namespace']))).toMatchObject({ source: 'Namespace' });
  });

  it('is found on a wider kind when the nearer one has no good reason', () => {
    const access = findDocumentedAccess(query({ Pod: ' ', ServiceAccount: 'lists endpoints' }, API_ACCESS_SOURCES));
    expect(access).toEqual({ state: 'documented', source: 'ServiceAccount', reason: 'lists endpoints' });
  });

  it('says why an annotation that is there does not count', () => {
    expect(findDocumentedAccess(query({ ServiceAccount: '<why>' }, ['ServiceAccount']))).toEqual({
      state: 'undocumented',
      fault:
        'annotation curfew.dev/api-access of the service account does not count: it is still the placeholder <why>',
    });
    expect(findDocumentedAccess(query({ Pod: 'lists endpoints' }, ['ServiceAccount', 'Namespace']))).toEqual({
      state: 'undocumented',
      fault:
        'annotation curfew.dev/api-access of the pod does not count: only one on ServiceAccount or Namespace counts here',
    });
    expect(findDocumentedAccess(query({}, ['ServiceAccount']))).toEqual({ state: 'undocumented', fault: undefined });
  });

  it('stays open while a kind on which it would count could not be read', () => {
    const serviceAccount = { state: 'unknown', why: 'no answer' } as const;
    expect(findDocumentedAccess(query({ Pod: 'x' }, ['ServiceAccount'], { serviceAccount }))).toEqual({
      state: 'unknown',
      source: 'ServiceAccount',
      why: 'no answer',
    });
    const namespace = { state: 'absent' } as const;
    expect(findDocumentedAccess(query({}, ['Namespace'], { namespace }))).toMatchObject({ why: 'it does not exist' });
    // What is not asked may be unknown, and one good reason is enough.
    expect(findDocumentedAccess(query({}, ['Pod'], { serviceAccount }))).toMatchObject({ state: 'undocumented' });
    expect(findDocumentedAccess(query({ Pod: 'x' }, API_ACCESS_SOURCES, { serviceAccount }))).toMatchObject({
      state: 'documented',
    });
  });

  it('is one clean, bounded line, whatever the annotations hold', () => {
    const text = fc.option(fc.string({ unit: 'binary', maxLength: 600 }), { nil: undefined });
    const texts = fc.record({ Pod: text, ServiceAccount: text, Namespace: text });
    fc.assert(
      fc.property(texts, fc.subarray([...API_ACCESS_SOURCES], { minLength: 1 }), (given, acceptFrom) => {
        const access = findDocumentedAccess(query(given as Texts, acceptFrom));
        const said =
          access.state === 'documented' ? access.reason : (access.state === 'undocumented' && access.fault) || '';
        expect(said).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(said.isWellFormed()).toBe(true);
        expect(said.length).toBeLessThanOrEqual(MOST_REASON_CHARACTERS);
        if (access.state === 'documented') expect(acceptFrom).toContain(access.source);
      }),
      { numRuns: numRuns() },
    );
  });
});
