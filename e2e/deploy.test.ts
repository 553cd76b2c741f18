/** The plain manifests of `deploy/`, applied as somebody without Helm does, once and again, before and after publishing. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { member, valueAt } from '../src/objects/json.ts';
import { isPublished, publishedParts, publishOnce, readWebhooks } from './replica.ts';
import { pod, startTestCluster, type TestCluster, tokenSecret } from './test-cluster.ts';

const FOLDER = join(import.meta.dirname, '..', 'deploy');
const ENFORCED = join(FOLDER, 'curfew.yaml');
const AUDIT = join(FOLDER, 'curfew-audit.yaml');

let cluster: TestCluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startTestCluster();
  namespace = await cluster.createNamespace();
});
afterAll(async () => {
  await cluster.controlPlane.stop();
});

describe('The manifests, applied by kubectl', () => {
  it('are taken, and deny nothing while no replica is ready', async () => {
    const applied = await cluster.must(['apply', '-f', ENFORCED]);
    expect(applied.trim().split('\n')).toHaveLength(readFileSync(ENFORCED, 'utf8').match(/^kind: /gm)?.length ?? 0);
    expect((await readWebhooks(cluster)).size).toBeGreaterThan(8);
    for (const object of [tokenSecret('never-ends', 'web'), pod('web')]) {
      const { code, stderr } = await cluster.kubectl.apply(object, ['-n', namespace]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  it('change nothing when they are applied again', async () => {
    const lines = (await cluster.must(['apply', '-f', ENFORCED])).trim().split('\n');
    // kubectl patches every PodDisruptionBudget each time, since its selector is replaced as a whole; nothing comes of it.
    expect(lines.filter((line) => !line.endsWith(' unchanged'))).toEqual([
      'poddisruptionbudget.policy/curfew configured',
    ]);
  });

  it.each<[string, readonly string[]]>([
    ['by kubectl apply', []],
    ['by server-side apply, which takes over', ['--server-side', '--force-conflicts']],
    ['by server-side apply, without force', ['--server-side']],
  ])('leave what a replica has published when they are applied again, %s', async (_how, args) => {
    await publishOnce(cluster);
    const before = await readWebhooks(cluster);
    await cluster.must(['apply', '-f', ENFORCED, ...args]);
    expect(await readWebhooks(cluster)).toEqual(before);
  });

  it.each<[string, readonly string[]]>([
    ['by kubectl apply', []],
    ['by server-side apply', ['--server-side']],
  ])('leave it when they change the same webhooks, %s', async (_how, args) => {
    await publishOnce(cluster);
    const before = await readWebhooks(cluster);
    await cluster.must(['apply', '-f', AUDIT, ...args, ...(args.length > 0 ? ['--force-conflicts'] : [])]);
    const after = await readWebhooks(cluster);
    expect(publishedParts(after)).toEqual(publishedParts(before));
    expect([...after.values()].every(isPublished)).toBe(true);
    expect(new Set([...after.values()].map((webhook) => member(webhook, 'failurePolicy')))).toEqual(
      new Set(['Ignore']),
    );
    await cluster.must(['apply', '-f', ENFORCED, ...args, ...(args.length > 0 ? ['--force-conflicts'] : [])]);
    expect(await readWebhooks(cluster)).toEqual(before);
  });

  it('let the pods of the Deployment into the namespace that they make', async () => {
    const deployment: unknown = JSON.parse(
      await cluster.must(['get', 'deployment/curfew', '-n', 'curfew-system', '-o', 'json']),
    );
    const template = valueAt(deployment, ['spec', 'template']);
    const made = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' }, spec: member(template, 'spec') };
    const { code, stderr } = await cluster.kubectl.apply(made, ['-n', 'curfew-system', '--dry-run=server']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('go as they came, and leave no webhook configuration', async () => {
    await cluster.must(['delete', '-f', ENFORCED, '--wait=false']);
    expect((await readWebhooks(cluster)).size).toBe(0);
  });
});
