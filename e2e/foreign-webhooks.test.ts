import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { asArray, asString, type JsonObject, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG, pod } from './test-cluster.ts';

const NAME = 'pod-identity-webhook';
const ROLE = 'arn:aws:iam::111122223333:role/web';
const TRIGGERED = { levels: { warn: 'off' }, mutations: { 'inject-token': { triggers: ['aws-irsa'] } } };

const suite = setUpSuite(TRIGGERED);

/** As AWS's own, but for its selector, by which nobody calls it: it is its name that matters here. */
const FOREIGN: JsonObject = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: NAME },
  webhooks: [
    {
      name: 'pod-identity-webhook.amazonaws.com',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Ignore',
      clientConfig: { url: 'https://127.0.0.1:9/mutate' },
      namespaceSelector: { matchLabels: { 'no.example/such-label': 'set' } },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    },
  ],
};

/** A namespace whose account has AWS's annotation from the start, so that no index can be behind it. */
async function createNamespace(): Promise<string> {
  const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
  const metadata = { name: 'web', namespace, annotations: { 'eks.amazonaws.com/role-arn': ROLE } };
  await suite.cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  return namespace;
}

function asking(value: string): JsonObject {
  return { ...pod('web'), metadata: { name: 'web', annotations: { 'tokens.curfew.dev/aws': value } } };
}

/** Names of the volumes that this pod would have. */
async function volumesOf(namespace: string, object: JsonObject = pod('web')): Promise<readonly unknown[]> {
  const args = ['create', '-n', namespace, '-f', '-', '-o', 'json', '--dry-run=server'];
  const stored: unknown = JSON.parse(await suite.cluster.must(args, object));
  return asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => member(volume, 'name'));
}

async function untilRegistered(namespace: string, isRegistered: boolean): Promise<void> {
  const what = isRegistered ? 'the pod is left to the webhook' : 'the pod gets its token from Curfew';
  await waitUntil(what, async () => (await volumesOf(namespace)).includes('aws-iam-token') !== isRegistered);
}

async function readLog(): Promise<string> {
  return await readFile(suite.curfew.logFile, 'utf8');
}

async function readNotes(): Promise<string> {
  return await (await fetch(`${suite.curfew.operationsUrl}/readyz?verbose`)).text();
}

const served = async () => await suite.curfew.metric('curfew_foreign_webhooks{preset="aws-irsa"}');

describe('With a trigger', () => {
  it('stands back as long as a webhook of the scheme is registered', async () => {
    const namespace = await createNamespace();
    expect(await volumesOf(namespace)).toContain('aws-iam-token');
    expect(await served()).toBe(0);

    await suite.cluster.must(['create', '-f', '-'], FOREIGN);
    await untilRegistered(namespace, true);
    expect(await served()).toBe(1);
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], pod('left'));
    const left: unknown = JSON.parse(await suite.cluster.must(['get', 'pod', 'left', '-n', namespace, '-o', 'json']));
    expect(JSON.stringify(left)).not.toContain('aws-iam-token');
    expect(JSON.stringify(left)).not.toContain('AWS_ROLE_ARN');
    expect(
      await suite.curfew.metric('curfew_mutations_total{mutation="inject-token",decision="stand_back"'),
    ).toBeGreaterThan(0);
    if (HAS_AUDIT_LOG)
      expect(await noteOf(namespace, 'left')).toContain(`is served by MutatingWebhookConfiguration ${NAME}`);

    await suite.cluster.must(['delete', 'mutatingwebhookconfiguration', NAME]);
    await untilRegistered(namespace, false);
    expect(await served()).toBe(0);
    // One line for each change, whatever the number of pods.
    const log = await readLog();
    expect(log.match(/"preset":"aws-irsa".*a foreign webhook serves the scheme of this preset"/g)).toHaveLength(1);
    expect(log.match(/"preset":"aws-irsa".*no foreign webhook serves/g)).toHaveLength(1);
  });

  it('gives the token to who asks for it by our annotation, and says that both are asked', async () => {
    const namespace = await createNamespace();
    await suite.cluster.must(['create', '-f', '-'], FOREIGN);
    await untilRegistered(namespace, true);
    expect(await volumesOf(namespace, asking('{preset: aws-irsa}'))).toContain('aws-iam-token');
    const { code, stderr } = await suite.cluster.kubectl.apply(asking('{preset: aws-irsa}'), ['-n', namespace]);
    expect(code).toBe(0);
    expect(stderr).toContain(`is served by MutatingWebhookConfiguration ${NAME}, ask for the same token`);
    await suite.cluster.must(['delete', 'mutatingwebhookconfiguration', NAME]);
  });

  it('has no more rights to webhook configurations of others than to list and watch them', async () => {
    const can = async (verb: string) =>
      (
        await suite.cluster.kubectl.run([
          'auth',
          'can-i',
          verb,
          'mutatingwebhookconfigurations',
          '--as=system:serviceaccount:curfew-system:curfew',
        ])
      ).stdout.trim();
    const rights = Object.fromEntries(
      await Promise.all(
        ['list', 'watch', 'get', 'create', 'update', 'patch', 'delete'].map(async (verb) => [verb, await can(verb)]),
      ),
    );
    expect(rights).toEqual({
      list: 'yes',
      watch: 'yes',
      get: 'no',
      create: 'no',
      update: 'no',
      patch: 'no',
      delete: 'no',
    });
    expect(await readNotes()).toContain('[+] foreign webhooks known');
  });
});

describe('With the trigger beside foreign webhooks', () => {
  it('injects all the same', async () => {
    const options = { triggers: ['aws-irsa'], besideForeignWebhooks: ['aws-irsa'] };
    await suite.cluster.must(['create', '-f', '-'], FOREIGN);
    await suite.curfew.upgrade({ ...TRIGGERED, mutations: { 'inject-token': options } });
    const namespace = await createNamespace();
    expect(await served()).toBe(1);
    expect(await volumesOf(namespace)).toContain('aws-iam-token');
  });
});

describe('Without the right', () => {
  it('is ready, says that it does not know, and injects; with the right back it knows', async () => {
    await suite.curfew.upgrade(TRIGGERED);
    await suite.curfew.stopProcess();
    const role = JSON.parse(await suite.cluster.must(['get', 'clusterrole', 'curfew', '-o', 'json'])) as JsonObject;
    const rules = asArray(role['rules']).filter(
      (rule) =>
        !(JSON.stringify(rule).includes('mutatingwebhookconfigurations') && JSON.stringify(rule).includes('watch')),
    );
    expect(rules.length).toBe(asArray(role['rules']).length - 1);
    await suite.cluster.must(['replace', '-f', '-'], { ...role, rules });
    await suite.curfew.startProcess();

    const namespace = await createNamespace();
    expect(await volumesOf(namespace)).toContain('aws-iam-token');
    expect(await suite.curfew.metric('curfew_foreign_webhooks_known')).toBe(0);
    expect(await readNotes()).toMatch(/\[-\] foreign webhooks known: list .*: HTTP 403 Forbidden: .*\n(.*\n)*ready\n/);
    expect(await readLog()).toContain('not known which webhooks are registered: presets inject as if there were none');

    const { resourceVersion: _version, ...metadata } = role['metadata'] as JsonObject;
    await suite.cluster.must(['replace', '-f', '-'], { ...role, metadata });
    await untilRegistered(namespace, true);
    expect(await suite.curfew.metric('curfew_foreign_webhooks_known')).toBe(1);
  });
});

describe('With the switch off', () => {
  it('has no right, looks at nothing, and injects', async () => {
    await suite.curfew.upgrade({ ...TRIGGERED, foreignWebhooks: { watch: false } });
    const args = ['auth', 'can-i', 'list', 'mutatingwebhookconfigurations'];
    const asCurfew = '--as=system:serviceaccount:curfew-system:curfew';
    expect((await suite.cluster.kubectl.run([...args, asCurfew])).stdout.trim()).toBe('no');
    const namespace = await createNamespace();
    expect(await volumesOf(namespace)).toContain('aws-iam-token');
    expect(await suite.curfew.metric('curfew_foreign_webhooks_known')).toBe(0);
    expect(await readNotes()).not.toContain('foreign webhooks');
    expect(await readLog()).toContain('foreignWebhooks.watch is false');
    await suite.cluster.must(['delete', 'mutatingwebhookconfiguration', NAME]);
  });
});

async function noteOf(namespace: string, name: string): Promise<string> {
  let note: string | undefined;
  await waitUntil('the audit event is written', async () => {
    const events = await suite.cluster.controlPlane.auditEvents();
    const created = events.find(
      (event) =>
        valueAt(event, ['objectRef', 'namespace']) === namespace && valueAt(event, ['objectRef', 'name']) === name,
    );
    note = asString(valueAt(created, ['annotations', 'pods.curfew.dev/note']));
    return note !== undefined;
  });
  return note ?? '';
}
