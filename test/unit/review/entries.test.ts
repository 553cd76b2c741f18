import { describe, expect, it } from 'vitest';
import { composeReview } from '../../../src/review/compose.ts';
import { ENTRIES, isEntryOn, listPublishedRules, listResources } from '../../../src/review/entries.ts';
import { JANE, subjectOf } from '../subjects.ts';

const WITH_APPROVAL = { apiAccess: { acceptFrom: ['ServiceAccount'], approval: true } } as const;
const WITHOUT = { apiAccess: { ...WITH_APPROVAL.apiAccess, approval: false } } as const;

describe('The webhook entries', () => {
  it('are those of the golden file: what reaches Curfew changes only where somebody reads it', async () => {
    await expect(`${JSON.stringify(ENTRIES, null, 2)}\n`).toMatchFileSnapshot('../../golden/webhook-entries.json');
  });

  it('that are for approvals are there only where approvals are wanted', () => {
    const optional = ENTRIES.filter((entry) => !isEntryOn(entry, WITHOUT)).map(({ name }) => name);
    expect(optional).toEqual(['api-access.curfew.dev']);
    expect(ENTRIES.filter((entry) => !isEntryOn(entry, WITH_APPROVAL))).toEqual([]);
    expect([...listPublishedRules('validating', WITHOUT).keys()]).not.toContain('api-access.curfew.dev');
    expect([...listPublishedRules('validating', WITH_APPROVAL).keys()]).toContain('api-access.curfew.dev');
  });

  it.each(['validating', 'mutating'] as const)(
    'of type %s are published with their own rules, and no other',
    (type) => {
      const wanted = ENTRIES.filter((entry) => entry.type === type).map(({ name, rules }) => [name, rules]);
      expect([...listPublishedRules(type, WITH_APPROVAL)]).toEqual(wanted);
    },
  );

  it('name resources as kubectl does', () => {
    const rule = { apiVersions: ['v1'], operations: ['CREATE'], scope: 'Namespaced' } as const;
    expect(listResources({ ...rule, apiGroups: [''], resources: ['pods', 'pods/log'] })).toEqual(['pods', 'pods/log']);
    expect(listResources({ ...rule, apiGroups: ['apps', 'batch'], resources: ['jobs'] })).toEqual([
      'jobs.apps',
      'jobs.batch',
    ]);
  });
});

describe('A review that is composed', () => {
  const pod = { kind: 'Pod', metadata: { name: 'web' } };

  it('is a dry run of whoever asks', () => {
    const subject = subjectOf('pods', pod, { caller: JANE });
    expect(composeReview(subject, { uid: 'u', username: 'probe' })).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u',
        operation: 'CREATE',
        resource: { group: '', version: 'v1', resource: 'pods' },
        subResource: '',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        namespace: 'shop',
        name: 'web',
        object: pod,
        oldObject: null,
        dryRun: true,
        userInfo: { username: 'probe', groups: [] },
      },
    });
  });

  it('has the old object of an update', () => {
    const subject = subjectOf('pods', pod, { operation: 'UPDATE', oldObject: { kind: 'Pod' } });
    expect(composeReview(subject, { uid: 'u', username: 'probe' })['request']).toMatchObject({
      oldObject: { kind: 'Pod' },
    });
  });
});
