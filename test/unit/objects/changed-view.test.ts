import { describe, expect, it } from 'vitest';
import { findChangedView } from '../../../src/objects/changed-view.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Operation, Subject } from '../../../src/objects/subject.ts';

const VAULT = { 'tokens.curfew.dev/vault': '{audience: vault}' };
const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };
const OWN = { 'bank.example/audience': 'ledger' };
const OTHER = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };

describe('A change of a service account', () => {
  const ACCOUNT = { resource: 'serviceaccounts', key: 'shop/web' };
  it.each([
    ['that asks for a token now', {}, VAULT, ACCOUNT],
    ['that asks for none any more', VAULT, {}, ACCOUNT],
    ['that asks for another one', VAULT, { 'tokens.curfew.dev/vault': '{audience: other}' }, ACCOUNT],
    ['that asks under another name', VAULT, { 'tokens.curfew.dev/other': '{audience: vault}' }, ACCOUNT],
    ['that has an annotation of a scheme', {}, ROLE, ACCOUNT],
    ['that has an annotation of a preset of one’s own', {}, OWN, ACCOUNT],
    ['of which nothing is kept that changed', VAULT, { ...VAULT, ...OTHER }, undefined],
    ['of which nothing is kept at all', {}, OTHER, undefined],
  ])('%s', (_title, before, after, found) => {
    expect(
      find('serviceaccounts', { metadata: { annotations: after } }, { metadata: { annotations: before } }),
    ).toEqual(found);
  });

  it('that opts out, or in again, counts where it was there already', () => {
    const optedOut = { automountServiceAccountToken: false };
    expect(find('serviceaccounts', optedOut, {})).toEqual(ACCOUNT);
    expect(find('serviceaccounts', {}, optedOut)).toEqual(ACCOUNT);
    expect(find('serviceaccounts', optedOut, optedOut)).toBeUndefined();
    expect(find('serviceaccounts', optedOut)).toBeUndefined();
  });

  it('that is made anew counts if something of it is kept', () => {
    expect(find('serviceaccounts', { metadata: { annotations: VAULT } })).toEqual(ACCOUNT);
    expect(find('serviceaccounts', { metadata: { annotations: OTHER } })).toBeUndefined();
    expect(find('serviceaccounts', {})).toBeUndefined();
  });

  it('has the name and the namespace of the request, whatever the object says', () => {
    const object = { metadata: { name: 'other', namespace: 'bank', annotations: VAULT } };
    expect(find('serviceaccounts', object, {})).toEqual(ACCOUNT);
  });

  it('is none of the request for a token, of a deletion, or of a resource of another group', () => {
    const object = { metadata: { annotations: VAULT } };
    expect(findChangedView(subjectOf({ subresource: 'token' }, object), new Set())).toBeUndefined();
    expect(findChangedView({ ...subjectOf({}, object), operation: 'DELETE' }, new Set())).toBeUndefined();
    expect(findChangedView(subjectOf({ group: 'example.dev' }, object), new Set())).toBeUndefined();
    expect(find('configmaps', object)).toBeUndefined();
  });
});

describe('A change of a namespace', () => {
  const SHOP = { resource: 'namespaces', key: 'web' };
  it.each([
    ['annotations', VAULT],
    ['annotations', OWN],
    ['labels', { 'curfew.dev/enforce': 'restricted' }],
    ['labels', OWN],
  ])('is one of the %s that are kept', (of, entries) => {
    expect(find('namespaces', { metadata: { name: 'web', [of]: entries } }, { metadata: { name: 'web' } })).toEqual(
      SHOP,
    );
    expect(find('namespaces', { metadata: { name: 'web' } }, { metadata: { name: 'web', [of]: entries } })).toEqual(
      SHOP,
    );
    expect(
      find(
        'namespaces',
        { metadata: { name: 'web', [of]: { ...entries, ...OTHER } } },
        {
          metadata: { name: 'web', [of]: entries },
        },
      ),
    ).toBeUndefined();
  });

  it.each(['status', 'finalize'])('counts through the subresource %s too', (subresource) => {
    const subject = {
      ...subjectOf({ name: 'namespaces', subresource }, { metadata: { name: 'web', annotations: VAULT } }),
      namespace: '',
      oldObject: { metadata: { name: 'web' } },
    };
    expect(findChangedView(subject, new Set())).toEqual(SHOP);
  });
});

function find(name: string, object: JsonObject, oldObject?: JsonObject) {
  const operation: Operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
  const subject = { ...subjectOf({ name }, withName(object)), operation };
  return findChangedView(
    oldObject === undefined ? subject : { ...subject, oldObject: withName(oldObject) },
    new Set(Object.keys(OWN)),
  );
}

/** As the API server sends it: an object has its name and namespace. */
function withName(object: JsonObject): JsonObject {
  const { metadata = {} } = object as { metadata?: JsonObject };
  return { ...object, metadata: { name: 'web', namespace: 'shop', ...metadata } };
}

function subjectOf(resource: Partial<Subject['resource']>, object: JsonObject): Subject {
  return {
    operation: 'UPDATE',
    resource: { group: '', name: 'serviceaccounts', subresource: '', ...resource },
    kind: 'ServiceAccount',
    namespace: 'shop',
    name: 'web',
    object,
  };
}
