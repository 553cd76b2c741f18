/** What the owner of a refused pod is told by an Event: what kubectl describe reads is the real API server's own matter. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { cronJob, deployment, pod } from './test-cluster.ts';
import { workload } from './workloads.ts';

const ENFORCED = { levels: { enforce: 'restricted' } };
const suite = setUpSuite({ ...ENFORCED, events: { enabled: true } });
/** Nobody is made to wait for a warning about the template. */
const SILENT = ['--server-side'];

describe('The owner of a refused pod', () => {
  let namespace = '';
  beforeAll(async () => {
    namespace = await suite.cluster.createNamespace();
  });

  it('is the Deployment, of which kubectl describe shows the sentence', async () => {
    await apply(deployment('web'));
    await waitUntil('the Deployment has its event', async () => (await eventsOf('Deployment', 'web')).length > 0);
    const text = await suite.cluster.must(['describe', 'deployment', 'web', '-n', namespace]);
    const shown = text
      .slice(text.indexOf('Events:'))
      // Of the Deployment's own controller, which writes when it gets to it.
      .replaceAll(/^.*ScalingReplicaSet.*\n/gm, '')
      .replaceAll(namespace, 'NAMESPACE')
      .replaceAll(/web-[0-9a-f]{5,}/g, 'web-HASH')
      // How long ago, how often so far, and how wide the columns are.
      .replaceAll(/ +(<invalid>|\d+[ms]|0s)( \(x\d+ over \d+[ms]\))?( +)/g, '  AGE  ')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(/-{3,}/g, '----');
    await expect(shown).toMatchFileSnapshot('golden/deployment-described.txt');
  });

  it('is told again and again by one event, which counts', async () => {
    await waitUntil('its event counts', async () => {
      const [event] = await eventsOf('Deployment', 'web');
      return Number(valueAt(event, ['series', 'count']) ?? 1) > 1;
    });
    expect(await eventsOf('Deployment', 'web')).toHaveLength(1);
  });

  it('is the CronJob of a Job', async () => {
    await apply(cronJob('nightly'));
    await suite.cluster.must(['create', 'job', '--from=cronjob/nightly', 'by-hand', '-n', namespace]);
    await waitUntil('the CronJob has its event', async () => (await eventsOf('CronJob', 'nightly')).length > 0);
  });

  it('is a Job, a ReplicaSet or a StatefulSet that nobody owns', async () => {
    const template = { spec: { restartPolicy: 'Never', ...(pod('job')['spec'] as JsonObject) } };
    await apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template } });
    for (const kind of ['ReplicaSet', 'StatefulSet'] as const) await apply(workload(kind, {}));
    for (const [kind, name] of [
      ['Job', 'once'],
      ['ReplicaSet', 'replicaset'],
      ['StatefulSet', 'statefulset'],
    ] as const) {
      await waitUntil(`the ${kind} has its event`, async () => (await eventsOf(kind, name)).length > 0);
    }
  });

  it('is whatever made it, where Curfew does not know the kind', async () => {
    const owner = {
      apiVersion: 'example.dev/v1',
      kind: 'Thing',
      name: 'one',
      uid: '00000000-0000-0000-0000-000000000001',
    };
    const owned = { ...pod('thing'), metadata: { name: 'thing', ownerReferences: [{ ...owner, controller: true }] } };
    expect((await suite.cluster.kubectl.apply(owned, ['-n', namespace])).code).toBe(1);
    await waitUntil('the Thing has its event', async () => (await eventsOf('Thing', 'one')).length > 0);
    const [event] = await eventsOf('Thing', 'one');
    expect(member(event, 'regarding')).toEqual({ ...owner, namespace });
  });

  it('is told nothing by a dry run, which the API server sends since nothing is left of it', async () => {
    const written = async () => await suite.curfew.metric('curfew_owner_events_total');
    const owner = {
      apiVersion: 'example.dev/v1',
      kind: 'Thing',
      name: 'dry',
      uid: '00000000-0000-0000-0000-000000000002',
    };
    const owned = { ...pod('dry'), metadata: { name: 'dry', ownerReferences: [{ ...owner, controller: true }] } };
    const before = await written();
    // The controllers of the others try again now and then, so the whole is not looked at but what this one adds.
    const { code, stderr } = await suite.cluster.kubectl.apply(owned, ['-n', namespace, '--dry-run=server']);
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "pods.curfew.dev" denied the request');
    // It is told for real a moment later, so that the one before had its time.
    expect((await suite.cluster.kubectl.apply(owned, ['-n', namespace])).code).toBe(1);
    await waitUntil('the Thing has its event', async () => (await eventsOf('Thing', 'dry')).length > 0);
    const [event] = await eventsOf('Thing', 'dry');
    expect(valueAt(event, ['series'])).toBeUndefined();
    expect(await written()).toBeGreaterThan(before);
  });

  it('has pods that come as soon as the namespace allows them, and Curfew failed at none of it', async () => {
    expect(await suite.curfew.metric('curfew_owner_events_total{outcome="failed"}')).toBe(0);
    const json = await suite.cluster.must(['get', 'validatingwebhookconfiguration', 'curfew', '-o', 'json']);
    const declared = asArray(member(JSON.parse(json), 'webhooks')).map((webhook) => [
      asString(member(webhook, 'name')),
      asString(member(webhook, 'sideEffects')),
    ]);
    expect(new Map(declared as [string, string][]).get('pods.curfew.dev')).toBe('NoneOnDryRun');
    expect(new Map(declared as [string, string][]).get('secrets.curfew.dev')).toBe('None');
  });

  async function apply(object: JsonObject): Promise<void> {
    const { code, stderr } = await suite.cluster.kubectl.apply(object, ['-n', namespace, ...SILENT]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  }

  async function eventsOf(kind: string, name: string): Promise<readonly unknown[]> {
    const selector = `reason=CurfewDenied,regarding.kind=${kind},regarding.name=${name}`;
    const args = ['get', 'events.events.k8s.io', '-n', namespace, '--field-selector', selector, '-o', 'json'];
    return asArray(member(JSON.parse(await suite.cluster.must(args)), 'items'));
  }
});

describe('Without the events', () => {
  it('nobody is told, there is no right for it, and no side effect is declared', async () => {
    await suite.curfew.upgrade(ENFORCED);
    const namespace = await suite.cluster.createNamespace();
    const { code } = await suite.cluster.kubectl.apply(deployment('web'), ['-n', namespace, ...SILENT]);
    expect(code).toBe(0);
    await waitUntil('its pods are refused', async () => {
      return (await suite.curfew.metric('curfew_evaluations_total{check="pod-automount",mode="enforce"')) > 0;
    });
    expect(await suite.curfew.metric('curfew_owner_events_total')).toBe(0);
    const account = 'system:serviceaccount:curfew-system:curfew';
    const ask = ['auth', 'can-i', 'create', 'events.events.k8s.io', '--as', account, '-n', namespace];
    expect((await suite.cluster.kubectl.run(ask)).stdout.trim()).toBe('no');
  });
});
