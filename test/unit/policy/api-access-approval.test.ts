import { describe, expect, it } from 'vitest';
import { guardApiAccess } from '../../../src/engine/guards.ts';
import { toVerdict } from '../../../src/engine/verdict.ts';
import { API_ACCESS_ANNOTATION } from '../../../src/objects/api-access.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { ENTRIES, isEntryOn, listPublishedRules } from '../../../src/review/entries.ts';
import { fc } from '../../properties.ts';
import { hostileObject, mutated, numRuns } from '../arbitraries.ts';
import { resolvePointer } from '../json-pointer.ts';
import { configure } from '../judging.ts';

const APPROVAL = { apiAccess: { approval: true } };

function account(reason?: string): JsonObject {
  const annotations = reason === undefined ? {} : { annotations: { [API_ACCESS_ANNOTATION]: reason } };
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop', ...annotations } };
}

function change(before: JsonObject | undefined, after: JsonObject, more: Partial<Subject> = {}): Subject {
  return {
    operation: before === undefined ? 'CREATE' : 'UPDATE',
    resource: { group: '', name: 'serviceaccounts', subresource: '' },
    kind: 'ServiceAccount',
    namespace: 'shop',
    name: 'web',
    object: after,
    ...(before === undefined ? {} : { oldObject: before }),
    ...more,
  };
}

function keysOf(subject: Subject, keys: JsonObject = APPROVAL): readonly string[] {
  const options = { configuration: configure(keys), ownNamespace: 'curfew-system', release: 'curfew' };
  return guardApiAccess(subject, options).results.flatMap(({ findings }) => findings.map(({ key }) => key));
}

describe('Documenting access takes an approval', () => {
  it.each<[string, Subject, readonly string[]]>([
    ['when it is written', change(account(), account('lists pods')), ['approval']],
    ['when it is changed', change(account('lists pods'), account('lists nodes')), ['approval']],
    ['when it comes with a new account', change(undefined, account('lists pods')), ['approval']],
    ['when the reason is none', change(account(), account(' ')), ['approval', 'reason']],
    ['when it is the placeholder of our own message', change(account(), account('<why>')), ['approval', 'reason']],
    [
      'when it is written on a namespace',
      change(undefined, account('lists pods'), {
        resource: { group: '', name: 'namespaces', subresource: '' },
        namespace: '',
        name: 'shop',
      }),
      ['approval'],
    ],
  ])('%s', (_when, subject, wanted) => {
    expect(keysOf(subject)).toEqual(wanted);
  });

  it.each<[string, Subject, JsonObject]>([
    ['when it is taken away', change(account('lists pods'), account()), APPROVAL],
    ['when it stays', change(account('lists pods'), account('lists pods')), APPROVAL],
    ['when there is none', change(undefined, account()), APPROVAL],
    ['when no approval is asked for', change(account(), account('lists pods')), {}],
    ['in kube-system', change(account(), account('a'), { namespace: 'kube-system' }), APPROVAL],
    ['in Curfew’s own namespace', change(account(), account('a'), { namespace: 'curfew-system' }), APPROVAL],
    ['in an excluded one', change(account(), account('a')), { ...APPROVAL, excludedNamespaces: ['shop'] }],
  ])('but not %s', (_when, subject, keys) => {
    expect(keysOf(subject, keys)).toEqual([]);
  });

  it('and says how it is given', () => {
    const subject = change(account(), account('<why>'));
    const options = { configuration: configure(APPROVAL), ownNamespace: '', release: 'curfew' };
    const { denial } = toVerdict(subject, guardApiAccess(subject, options), []);
    expect(denial).toContain('ServiceAccount shop/web: 2 problems');
    expect(denial).toContain(
      'kubectl annotate serviceaccount web --namespace shop --overwrite curfew.dev/api-access="<why>"',
    );
    expect(denial).toContain('documents nothing: it is still the placeholder <why>.');
  });

  it('whatever the object is', () => {
    const options = { configuration: configure(APPROVAL), ownNamespace: '', release: 'curfew' };
    const any = fc.oneof(hostileObject, mutated([account('lists pods')]));
    fc.assert(
      fc.property(any, any, (object, oldObject) => {
        const { results } = guardApiAccess(change(oldObject, object), options);
        for (const { path } of results.flatMap(({ findings }) => findings)) {
          expect(resolvePointer(object, path)).toBeDefined();
        }
      }),
      { numRuns: numRuns() },
    );
  });
});

describe('An entry with a switch', () => {
  const switched = ENTRIES.filter(({ onlyIf }) => onlyIf !== undefined).map(({ name }) => name);

  it('has published rules with the switch, and none without', () => {
    expect(switched).toEqual(['api-access.curfew.dev']);
    expect([...listPublishedRules('validating', configure(APPROVAL)).keys()]).toContain('api-access.curfew.dev');
    expect([...listPublishedRules('validating', configure()).keys()]).not.toContain('api-access.curfew.dev');
    expect(ENTRIES.filter((entry) => !isEntryOn(entry, configure())).map(({ name }) => name)).toEqual(switched);
  });
});
