import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { judgeWith } from '../judging.ts';
import { deployment, subjectOf } from '../subjects.ts';

const ENFORCED = { configuration: { levels: { enforce: 'restricted' }, enforceTemplates: true } };
const OPTED_OUT = { automountServiceAccountToken: false };

/** A job of a JobSet whose pod has the container `app`. */
function job(name: string, spec: JsonObject = {}): JsonObject {
  const pod = { serviceAccountName: 'web', containers: [{ name: 'app' }], ...spec };
  return { name, template: { spec: { template: { spec: pod } } } };
}

function jobSet(...jobs: readonly JsonObject[]): JsonObject {
  return { kind: 'JobSet', spec: { replicatedJobs: jobs } };
}

function denialOfUpdate(resource: string, oldObject: JsonObject, object: JsonObject): string | undefined {
  return judgeWith(subjectOf(resource, object, { operation: 'UPDATE', oldObject }), ENFORCED).verdict.denial;
}

const denialOfJobSet = (oldObject: JsonObject, object: JsonObject) =>
  denialOfUpdate('jobsets.jobset.x-k8s.io', oldObject, object);

describe('An update of an object with several pods', () => {
  it('is not denied if it changes no pod', () => {
    const same = jobSet(job('a'), job('b'));
    expect(denialOfJobSet(same, { ...same, metadata: { labels: { team: 'x' } } })).toBeUndefined();
  });

  it('is denied for the pod it adds', () => {
    expect(denialOfJobSet(jobSet(job('a'), job('b')), jobSet(job('a'), job('b'), job('c')))).toContain(
      'pod-automount at /spec/replicatedJobs/2/',
    );
  });

  it('is denied for the second pod, and not for the one that was there', () => {
    expect(denialOfJobSet(jobSet(job('a')), jobSet(job('a'), job('b')))).toContain(
      'pod-automount at /spec/replicatedJobs/1/',
    );
  });

  it('is not denied for a second pod that asks for no token', () => {
    expect(denialOfJobSet(jobSet(job('a')), jobSet(job('a'), job('b', OPTED_OUT)))).toBeUndefined();
  });

  it('is not denied if it only takes a pod away', () => {
    expect(denialOfJobSet(jobSet(job('a'), job('b')), jobSet(job('a')))).toBeUndefined();
  });

  it('is not denied if its pods only change places', () => {
    const harmless = job('b', OPTED_OUT);
    expect(denialOfJobSet(jobSet(job('a'), harmless), jobSet(harmless, job('a')))).toBeUndefined();
  });

  it('of a LeaderWorkerSet is not denied for a leader that asks for no token', () => {
    const worker = { spec: { serviceAccountName: 'web', containers: [{ name: 'app' }] } };
    const leader = { spec: { ...OPTED_OUT, containers: [{ name: 'app' }] } };
    const set = (templates: JsonObject) => ({ kind: 'LeaderWorkerSet', spec: { leaderWorkerTemplate: templates } });
    const denial = denialOfUpdate(
      'leaderworkersets.leaderworkerset.x-k8s.io',
      set({ workerTemplate: worker }),
      set({ workerTemplate: worker, leaderTemplate: leader }),
    );
    expect(denial).toBeUndefined();
  });
});

describe('An update of a template with a token of a year', () => {
  const year = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };
  const other = { configMap: { name: 'settings' } };
  const withSources = (...sources: readonly JsonObject[]) =>
    deployment({ ...OPTED_OUT, volumes: [{ name: 'token', projected: { sources } }] });
  const denialOf = (oldObject: JsonObject, object: JsonObject) =>
    judgeWith(subjectOf('deployments.apps', object, { operation: 'UPDATE', oldObject }), {
      configuration: { enforceTemplates: true },
    }).verdict.denial;

  it('is not denied if the token stays as it is', () => {
    expect(denialOf(withSources(year), withSources(year, other))).toBeUndefined();
  });

  it('is denied for a second one', () => {
    expect(denialOf(withSources(year), withSources(year, year))).toContain('/sources/1/');
  });

  it('is not denied if the sources only change places', () => {
    expect(denialOf(withSources(year, other), withSources(other, year))).toBeUndefined();
  });
});

describe('An update that points a template at another service account', () => {
  it('is denied, since its token is another one', () => {
    expect(
      denialOfUpdate('deployments.apps', deployment(), deployment({ serviceAccountName: 'administrator' })),
    ).toContain('shop/administrator');
  });
});
