import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { parseReview } from '../../../src/review/parse.ts';

const REQUEST: JsonObject = {
  uid: 'u',
  kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
  resource: { group: 'apps', version: 'v1', resource: 'deployments' },
  subResource: 'scale',
  name: 'web',
  namespace: 'shop',
  operation: 'UPDATE',
  userInfo: { username: 'jane', groups: ['a', 1, 'b'] },
  object: { now: true },
  oldObject: { before: true },
  dryRun: true,
};
const of = (more: JsonObject) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { ...REQUEST, ...more },
});

describe('A review', () => {
  it('is read whole', () => {
    expect(parseReview(of({}))).toEqual({
      uid: 'u',
      isDryRun: true,
      subject: {
        operation: 'UPDATE',
        resource: { group: 'apps', name: 'deployments', subresource: 'scale' },
        kind: 'Deployment',
        namespace: 'shop',
        name: 'web',
        object: { now: true },
        oldObject: { before: true },
        caller: { username: 'jane', groups: ['a', 'b'] },
      },
    });
  });

  it('is read with as little as there may be', () => {
    const least = { uid: 'u', resource: { resource: 'pods' }, operation: 'CREATE', object: {} };
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: least };
    expect(parseReview(review)).toEqual({
      uid: 'u',
      isDryRun: false,
      subject: {
        operation: 'CREATE',
        resource: { group: '', name: 'pods', subresource: '' },
        kind: 'pods',
        namespace: '',
        name: '',
        object: {},
        caller: { username: '', groups: [] },
      },
    });
  });

  it('of a deletion is about the object that was; of a creation it has no old one', () => {
    const { subject } = parseReview(of({ operation: 'DELETE', object: null }));
    expect({ object: subject.object, oldObject: subject.oldObject }).toEqual({
      object: { before: true },
      oldObject: undefined,
    });
    expect(parseReview(of({ operation: 'CREATE' })).subject).not.toHaveProperty('oldObject');
    expect(parseReview(of({ operation: 'CONNECT' })).subject.operation).toBe('CONNECT');
  });

  it.each([
    ['', 'namespaces', ''],
    ['other', 'namespaces', 'shop'],
    ['', 'pods', 'shop'],
  ])('of %s/%s is in namespace "%s"', (group, resource, namespace) => {
    expect(parseReview(of({ resource: { group, resource } })).subject.namespace).toBe(namespace);
  });

  it.each<[string, unknown]>([
    ['it is not an object', []],
    ['apiVersion is not admission.k8s.io/v1', { ...of({}), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['kind is not AdmissionReview', { ...of({}), kind: 'Pod' }],
    ['request is not an object', { ...of({}), request: [] }],
    ['request.uid is missing', of({ uid: null })],
    ['request.uid is missing', of({ uid: '' })],
    ['request.uid is missing', of({ uid: 'u'.repeat(129) })],
    ['request.resource.resource is not a string', of({ resource: null })],
    ['request.operation is none of CREATE, UPDATE, DELETE, CONNECT', of({ operation: 'PATCH' })],
    ['request.object is not an object', of({ object: null })],
    ['request.oldObject is not an object', of({ operation: 'DELETE', oldObject: null })],
    ['request.oldObject is not an object', of({ oldObject: null })],
  ])('is refused: %s', (what, body) => {
    expect(() => parseReview(body)).toThrow(
      `CURFEW_E_NOT_A_REVIEW: the body is not an AdmissionReview of admission.k8s.io/v1: ${what}`,
    );
  });

  it('has a uid of up to 128 characters', () => {
    expect(parseReview(of({ uid: 'u'.repeat(128) })).uid).toHaveLength(128);
  });
});
