import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/errors.ts';
import { asString, valueAt } from '../../../src/objects/json.ts';
import { respond, respondAllowed, respondToFault } from '../../../src/review/respond.ts';

const ALLOWED = {
  denial: undefined,
  problems: [],
  warnings: [],
  auditAnnotations: new Map<string, string>(),
  patch: [],
};

describe('The answer to a review', () => {
  it('that is allowed without a word says nothing else', () => {
    expect(JSON.parse(respond('u', ALLOWED))).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true },
    });
  });

  it.each(['u', 'a"b\\c', 'é'])(
    'that is allowed without a word is the same text, made without a verdict: %j',
    (uid) => {
      expect(respondAllowed(uid)).toBe(respond(uid, ALLOWED));
      expect(valueAt(JSON.parse(respondAllowed(uid)), ['response'])).toEqual({ uid, allowed: true });
    },
  );

  it('that is denied has the code, the reason and the message', () => {
    const status = { code: 403, reason: 'Forbidden', message: 'no' };
    expect(valueAt(JSON.parse(respond('u', { ...ALLOWED, denial: 'no' })), ['response'])).toEqual({
      uid: 'u',
      allowed: false,
      status,
    });
  });

  it.each(['é𐀀', 'é', 'a~b "c" \n'])('has a patch with its type, as base64 of UTF-8: %j', (value) => {
    const patch = [{ op: 'add', path: '/a', value }] as const;
    const response = valueAt(JSON.parse(respond('u', { ...ALLOWED, patch })), ['response']);
    expect(valueAt(response, ['patchType'])).toBe('JSONPatch');
    const text = Buffer.from(asString(valueAt(response, ['patch'])) ?? '', 'base64').toString('utf8');
    expect(JSON.parse(text)).toEqual(patch);
  });

  it('has warnings up to 3,000 bytes, and says how many more there are', () => {
    const of = (warnings: readonly string[]) =>
      valueAt(JSON.parse(respond('u', { ...ALLOWED, warnings })), ['response', 'warnings']);
    expect(of(['a\nb'])).toEqual(['a b']);
    const whole = ['a'.repeat(1_500), 'b'.repeat(1_500)];
    expect(of(whole)).toEqual(whole);
    expect(of([...whole, 'c'])).toEqual([...whole, 'curfew: 1 more warning, in the audit log']);
    expect(of(['é'.repeat(1_501), 'c'])).toEqual(['curfew: 2 more warnings, in the audit log']);
  });

  it('has annotations of one line and 4,096 bytes each', () => {
    const auditAnnotations = new Map([
      ['a', 'x\ny'],
      ['b', 'z'.repeat(4_097)],
    ]);
    expect(
      valueAt(JSON.parse(respond('u', { ...ALLOWED, auditAnnotations })), ['response', 'auditAnnotations']),
    ).toEqual({
      a: 'x y',
      b: `${'z'.repeat(4_093)}…`,
    });
  });

  it.each([
    ['CURFEW_E_INTERNAL', 500, 'InternalError'],
    ['CURFEW_E_NOT_JSON', 400, 'BadRequest'],
  ] as const)('to the fault %s is a Status', (code, status, reason) => {
    const fault = new Fault(code);
    expect(respondToFault(fault)).toEqual({
      apiVersion: 'v1',
      kind: 'Status',
      status: 'Failure',
      reason,
      code: status,
      message: fault.message,
    });
  });
});
