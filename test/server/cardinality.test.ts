/**
 * Nobody who sends requests can make series: the number of them is bounded by tables in code and by the configuration,
 * whatever objects, namespaces, users, kinds and subresources come in.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { GUARDS } from '../../src/engine/guards.ts';
import { FAULTS } from '../../src/errors.ts';
import type { LabelName } from '../../src/metrics/metrics.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { ENTRIES, listResources } from '../../src/review/entries.ts';
import { ADMITTED_POD, review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const EXEMPTION = {
  name: 'build-server',
  match: { serviceAccounts: ['ns-3/*'] },
  reason: 'the old build server cannot ask for tokens',
  owner: 'team-build',
  permanent: true,
};

/** Of each label, what its values may be. */
const ALLOWED: Readonly<Record<Exclude<LabelName, 'version' | 'node_version' | 'preset'>, readonly string[]>> = {
  entry: ['none', ...ENTRIES.map(({ path }) => path)],
  outcome: [
    'allowed',
    'denied',
    'fault',
    'accepted',
    'refused',
    'found',
    'absent',
    'unknown',
    'written',
    'held',
    'dropped',
    'failed',
    'confirmed',
    'missed',
  ],
  check: [...CHECKS, ...GUARDS].map(({ id }) => id),
  mutation: MUTATIONS.map(({ id }) => id),
  mode: ['enforce', 'warn', 'audit'],
  decision: [
    ...['deny', 'would_deny', 'warn', 'audit', 'undecided', 'exempt'],
    ...['mutate', 'would_mutate', 'stand_back', 'refuse', 'would_refuse'],
  ],
  operation: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  resource: ['other', ...ENTRIES.flatMap(({ rules }) => rules.flatMap(listResources))],
  exemption: [EXEMPTION.name],
  code: Object.keys(FAULTS),
  reason: ['no_certificate', 'untrusted', 'expired', 'name'],
  source: ['own', 'process', 'cert-manager', 'secret', 'files'],
};

let app: StartedApp;
beforeEach(async () => {
  app = await startApp({ levels: { enforce: 'restricted' }, exemptions: { rules: [EXEMPTION] } });
});
afterEach(async () => {
  await app.stop();
});

describe('The series of Curfew', () => {
  it('are the same ones after hundreds of objects, namespaces and users as after a few', async () => {
    for (let index = 0; index < 5; index += 1) await sendAll(index);
    const few = await listSeries();
    // Else nothing was counted that could have grown.
    for (const metric of ['evaluations', 'mutations', 'exemptions'])
      expect(few.filter((series) => series.startsWith(`curfew_${metric}_total{`)).length).toBeGreaterThan(0);
    for (let index = 5; index < 120; index += 1) await sendAll(index);
    expect(await listSeries()).toEqual(few);
  });

  it('have no value that a request thought of, in any field', async () => {
    for (let index = 0; index < 12; index += 1) {
      const odd = `odd-${index}`;
      const label = { [`curfew.dev/${odd}`]: 'x', 'curfew.dev/enforce': odd };
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: odd, labels: label } };
      const strange = review('namespaces', namespace, { name: odd, subResource: odd });
      const bodies: readonly JsonObject[] = [
        strange,
        review('namespaces', namespace, { name: odd, operation: odd }),
        review('pods', ADMITTED_POD, { resource: { group: odd, version: odd, resource: odd }, kind: { kind: odd } }),
        review('pods', ADMITTED_POD, { subResource: odd }),
        { odd: odd },
      ];
      for (const { path } of ENTRIES) for (const body of bodies) await app.send(path, body);
      await app.send(`/validate/${odd}`, strange);
      await app.send('/validate/pods', strange, { method: 'PUT' });
    }
    const text = await app.exposition();
    expect(text).not.toContain('odd-');
    expect(text).toMatch(/^curfew_evaluations_total\{.*resource="other"\} /m);
    for (const series of await listSeries()) {
      for (const [, name = '', value = ''] of series.matchAll(/(\w+)="([^"]*)"/g)) {
        if (name in ALLOWED) expect(ALLOWED[name as keyof typeof ALLOWED]).toContain(value);
        else expect(['le', 'version', 'node_version']).toContain(name);
      }
    }
  });

  it('are those of the tables before the first request, so that the first event is an increase', async () => {
    const series = await listSeries();
    for (const { path } of ENTRIES) {
      expect(series).toContain(`curfew_review_duration_seconds_count{entry="${path}",outcome="denied"}`);
      expect(series).toContain(`curfew_faults_total{entry="${path}",code="CURFEW_E_DEADLINE"}`);
    }
    expect(series.length).toBeLessThan(1_200);
  });
});

/** One object of each kind that is found fault with, of a namespace, a name and a user of their own. */
async function sendAll(index: number): Promise<void> {
  const [namespace, name] = [`ns-${index}`, `object-${index}`];
  const metadata = { name, namespace, uid: `uid-${index}`, labels: { team: `team-${index}` } };
  const more = { namespace, name, userInfo: { username: `user-${index}`, groups: [`group-${index}`] } };
  const pod = { ...ADMITTED_POD, metadata };
  const secret = {
    ...TOKEN_SECRET,
    metadata: { ...metadata, annotations: { 'kubernetes.io/service-account.name': 'ci' } },
  };
  const rules = [{ apiGroups: ['*'], resources: [`things-${index}`, '*'], verbs: ['*'] }];
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules };
  const template = { metadata: {}, spec: ADMITTED_POD['spec'] ?? {} };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template } };
  const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 999_999 } };
  await app.send('/mutate/pods', review('pods', pod, more));
  await app.send('/validate/pods', review('pods', pod, more));
  await app.send('/validate/secrets', review('secrets', secret, more));
  await app.send('/validate/review', review('roles.rbac.authorization.k8s.io', role, more));
  await app.send('/validate/review', review('deployments.apps', deployment, more));
  await app.send('/validate/token-requests', review('serviceaccounts', asked, { ...more, subResource: 'token' }));
}

async function listSeries(): Promise<readonly string[]> {
  const text = await app.exposition();
  return [...text.matchAll(/^(curfew_\S+) /gm)].map(([, series = '']) => series).toSorted();
}
