import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withMetadata } from '../src/objects/example-objects.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { cronJob, deployment, HAS_AUDIT_LOG, pod, tokenSecret, tokenVolume } from './test-cluster.ts';
import { jobSet, jobSetDefinition, untilEstablished } from './workloads.ts';

const suite = setUpSuite({ mutateMode: 'apply' });

describe('Secrets', () => {
  it('refuses a long-lived token Secret, in words that say what to do', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stdout, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ci-token', 'web'), [
      '-n',
      namespace,
    ]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    await expect(withoutNames(stderr, namespace)).toMatchFileSnapshot('golden/secret-denied.txt');
  });

  it('refuses it with --dry-run=server too, and stores nothing', async () => {
    const namespace = await suite.cluster.createNamespace();
    const args = ['-n', namespace, '--dry-run=server'];
    const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ci-token', 'web'), args);
    expect(code).toBe(1);
    expect(stderr).toContain('long-lived-token-secret at /type');
    expect(await suite.cluster.must(['get', 'secrets', '-n', namespace, '-o', 'name'])).toBe('');
  });

  it('lets every other Secret through', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' }, stringData: { a: 'b' } };
    const { code, stderr } = await suite.cluster.kubectl.apply(secret, ['-n', namespace]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('lets it through where the namespace is off, and warns still', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'off' });
    const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ci-token', 'web'), ['-n', namespace]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      'Warning: curfew long-lived-token-secret: a token that never expires; use kubectl create token or a projected token\n',
    );
  });

  it('warns and never denies in kube-system', async () => {
    await suite.cluster.kubectl.run(['create', 'serviceaccount', 'legacy', '-n', 'kube-system']);
    const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('legacy-token', 'legacy'), [
      '-n',
      'kube-system',
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('Warning: curfew long-lived-token-secret:');
  });
});

describe('Pods', () => {
  it('shortens the default token in place and records it', async () => {
    const namespace = await suite.cluster.createNamespace();
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], pod('web'));
    const stored: unknown = JSON.parse(await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
    const volume = valueAt(stored, ['spec', 'volumes', 0]);
    expect(member(volume, 'name')).toMatch(/^kube-api-access-/);
    expect(valueAt(volume, ['projected', 'sources'])).toEqual([
      { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ]);
    expect(valueAt(stored, ['spec', 'containers', 0, 'volumeMounts'])).toEqual([
      {
        name: member(volume, 'name'),
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readOnly: true,
      },
    ]);
    expect(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('short-lived-api-token');
  });

  it('warns about an undocumented token in an ordinary namespace', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace]);
    expect(code).toBe(0);
    await expect(withoutNames(stderr, namespace)).toMatchFileSnapshot('golden/pod-warned.txt');
  });

  it('refuses it in a namespace labelled restricted', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const sidecars = {
      initContainers: [{ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' }],
    };
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('web', sidecars), ['-n', namespace]);
    expect(code).toBe(1);
    await expect(withoutNames(stderr, namespace)).toMatchFileSnapshot('golden/pod-denied.txt');
  });

  it('accepts it there once its automount is off', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('web', { automountServiceAccountToken: false }), [
      '-n',
      namespace,
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('accepts it there once its account documents why it needs the API', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const reason = 'curfew.dev/api-access=lists its endpoints';
    await suite.cluster.must(['annotate', 'serviceaccount', 'web', '-n', namespace, reason]);
    await waitUntil('the index knows the annotation', async () => {
      const { code } = await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace, '--dry-run=server']);
      return code === 0;
    });
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (!HAS_AUDIT_LOG) return;
    const events = await suite.cluster.controlPlane.auditEvents();
    const annotations = events
      .filter((event) => valueAt(event, ['objectRef', 'namespace']) === namespace)
      .filter((event) => valueAt(event, ['objectRef', 'resource']) === 'pods')
      .map((event) => member(event, 'annotations'));
    expect(annotations).toContainEqual(
      expect.objectContaining({
        'pods.curfew.dev/api-access': `service account ${namespace}/web: lists its endpoints`,
      }),
    );
  });

  it('refuses a hand-written token of 3607 seconds at baseline', async () => {
    const namespace = await suite.cluster.createNamespace();
    const spec = { automountServiceAccountToken: false, volumes: [tokenVolume({ expirationSeconds: 3607 })] };
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('web', spec), ['-n', namespace]);
    expect(code).toBe(1);
    await expect(withoutNames(stderr, namespace)).toMatchFileSnapshot('golden/year-long-token-denied.txt');
  });
});

describe('Workload templates', () => {
  it.each([
    ['Deployment', deployment('web')],
    ['CronJob', cronJob('web')],
  ])('warns the author of a %s, also where its pods are refused', async (kind, manifest) => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const { code, stderr } = await suite.cluster.kubectl.apply(manifest, ['-n', namespace]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      'Warning: curfew pod-automount: undocumented API token in container app; set automountServiceAccountToken: false\n',
    );
    expect(await suite.cluster.must(['get', kind, '-n', namespace, '-o', 'name'])).toContain('web');
  });

  it('has the controller’s pods refused, and the refusal in an event', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], deployment('web'));
    await waitUntil('the ReplicaSet reports the denial', async () => {
      const events = await suite.cluster.must(['get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].message}']);
      return events.includes('pod-automount at /spec/containers/0/volumeMounts/0');
    });
  });

  it('warns that it could not judge a template whose account does not exist yet, and admits it', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const { code, stderr } = await suite.cluster.kubectl.apply(deployment('web', { serviceAccountName: 'later' }), [
      '-n',
      namespace,
    ]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      `Warning: curfew pod-automount: not judged: cannot tell whether service account ${namespace}/later documents its need of the API: it does not exist\n`,
    );
  });

  /**
   * Of the resources in Curfew's rules Kubernetes 1.36 serves one version each (`kubectl api-versions`: apps/v1,
   * batch/v1, rbac.authorization.k8s.io/v1, v1), so only a kind of somebody else comes in a version that no rule names.
   */
  describe('in a version that no rule names, converted to one that is: matchPolicy Equivalent', () => {
    let namespace = '';
    const apply = async (object: JsonObject) => await suite.cluster.kubectl.apply(object, ['-n', namespace]);
    beforeAll(async () => {
      await suite.cluster.must(['create', '-f', '-'], jobSetDefinition());
      await untilEstablished(suite.cluster, 'crd/jobsets.jobset.x-k8s.io');
      namespace = await suite.cluster.createNamespace();
      await waitUntil('the version is served', async () => {
        return (await apply(jobSet('v1beta9', 'workers'))).code === 0;
      });
    });
    afterAll(async () => {
      await suite.curfew.upgrade({ mutateMode: 'apply' });
      await suite.cluster.must(['delete', 'crd', 'jobsets.jobset.x-k8s.io']);
    });

    it('is warned about', async () => {
      const { stderr } = await apply(withMetadata(jobSet('v1beta9', 'workers'), { name: 'another' }));
      expect(stderr).toContain('Warning: curfew pod-automount: undocumented API token in container app');
    });

    it('is refused where templates are enforced, for the pod that it adds to an old object and for no other', async () => {
      await suite.curfew.upgrade({ levels: { enforce: 'restricted' }, enforceTemplates: true });
      const refused = await apply(jobSet('v1beta9', 'workers', 'more'));
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('denied the request: \nJobSet ');
      expect(refused.stderr).toContain('pod-automount at /spec/replicatedJobs/1/');
      expect(refused.stderr).not.toContain('/spec/replicatedJobs/0/');
      expect(
        await apply(withMetadata(jobSet('v1beta9', 'workers'), { name: 'set', labels: { team: 'a' } })),
      ).toMatchObject({ code: 0 });
    });
  });
});

describe('What was decided', () => {
  it.runIf(HAS_AUDIT_LOG)('is in the API server’s audit log', async () => {
    const namespace = await suite.cluster.createNamespace();
    await suite.cluster.kubectl.apply(tokenSecret('ci-token', 'web'), ['-n', namespace]);
    await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace]);
    const events = await suite.cluster.controlPlane.auditEvents();
    const annotationsOf = (resource: string) =>
      events
        .filter((event) => valueAt(event, ['objectRef', 'namespace']) === namespace)
        .filter((event) => valueAt(event, ['objectRef', 'resource']) === resource && member(event, 'verb') === 'create')
        .map((event) => member(event, 'annotations'))[0];

    expect(annotationsOf('secrets')).toMatchObject({
      'secrets.curfew.dev/deny': 'long-lived-token-secret at /type: a token that never expires',
      'secrets.curfew.dev/audit': 'long-lived-token-secret at /type: a token that never expires',
    });
    expect(annotationsOf('pods')).toMatchObject({
      'pods.curfew.dev/mutate':
        'short-lived-api-token at /spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds: 3607 s (really a year) is now 3600 s',
      'pods.curfew.dev/audit':
        'pod-automount at /spec/containers/0/volumeMounts/0: undocumented API token (container app)',
    });
  });
});

describe('Debug containers', () => {
  it('are added by kubectl debug as it comes, and refused with the token of the application', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const spec = { automountServiceAccountToken: false, volumes: [tokenVolume({ audience: 'vault' })] };
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], pod('web', spec));
    const debug = ['debug', 'web', '-n', namespace, '--image', 'registry.example/debug:1', '--attach=false'];
    const plain = await suite.cluster.kubectl.run([...debug, '--target', 'app']);
    expect(plain).toMatchObject({ code: 0, stderr: expect.not.stringContaining('curfew') });

    const folder = await mkdtemp(join(tmpdir(), 'curfew-debug-'));
    const profile = join(folder, 'profile.json');
    await writeFile(profile, JSON.stringify({ volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }] }));
    const mounting = await suite.cluster.kubectl.run([...debug, '--custom', profile]);
    await rm(folder, { recursive: true });
    expect(mounting.code).toBe(1);
    expect(mounting.stderr).toContain('ephemeral-container-token at /spec/ephemeralContainers/1/volumeMounts/0');
  });
});

/** Names that a test made are not part of the words. */
function withoutNames(text: string, namespace: string): string {
  return text.replaceAll(namespace, 'NAMESPACE');
}
