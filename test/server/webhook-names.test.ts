import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendStatus } from './fake-api-server.ts';
import { eventually } from './fake-clock.ts';
import { createIndexHarness, type IndexHarness, startSynced } from './index-harness.ts';

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

let harness: IndexHarness;

beforeEach(async () => {
  harness = await createIndexHarness({ withMutatingWebhooks: true });
});

afterEach(async () => {
  await harness.index.stop();
  await harness.server.stop();
});

function put(name: string): void {
  harness.server.put(`${WEBHOOKS}/${name}`, { metadata: { name }, webhooks: [{ name: 'some.example' }] });
}

const names = () => harness.index.reader.mutatingWebhooks();
const known = () => {
  const lookup = names();
  if (lookup.state === 'found') return lookup.value.join(' ');
  return lookup.state === 'unknown' ? lookup.why : 'absent';
};

function refuse(): void {
  harness.server.intercept = (request, response) => {
    if (request.path !== WEBHOOKS) return 'pass';
    sendStatus(response, 403, 'Forbidden');
    return 'handled';
  };
}

describe('The index of webhook configurations', () => {
  it('asks for metadata, by list and watch alone', async () => {
    put('pod-identity-webhook');
    await startSynced(harness, 3);
    const requests = harness.server.requests.filter(({ path }) => path.startsWith(WEBHOOKS));
    expect(requests.map(({ path, query }) => [path, query.get('watch')])).toEqual([
      [WEBHOOKS, null],
      [WEBHOOKS, 'true'],
    ]);
    expect(requests.map(({ headers }) => headers.accept)).toEqual([
      expect.stringMatching(/^application\/json;as=PartialObjectMetadataList;/),
      expect.stringMatching(/^application\/json;as=PartialObjectMetadata;/),
    ]);
    expect(Object.fromEntries(harness.counts.sizes)).toMatchObject({ mutatingwebhookconfigurations: 1 });
  });

  it('knows their names but for our own, follows them, and says each time that they changed', async () => {
    for (const name of ['vault-agent-injector-cfg', 'curfew', 'pod-identity-webhook']) put(name);
    await startSynced(harness, 3);
    expect(names()).toEqual({ state: 'found', value: ['pod-identity-webhook', 'vault-agent-injector-cfg'] });
    expect(harness.counts.webhookChanges).toBe(1);
    // Every pod asks: nothing is made anew while nothing changes.
    expect(names()).toBe(names());

    put('stackit-pod-identity-webhook');
    await eventually(() => known() === 'pod-identity-webhook stackit-pod-identity-webhook vault-agent-injector-cfg');
    harness.server.remove(`${WEBHOOKS}/pod-identity-webhook`);
    await eventually(() => known() === 'stackit-pod-identity-webhook vault-agent-injector-cfg');
    expect(harness.counts.webhookChanges).toBe(3);
  });

  it('knows nothing while the right is missing, says so, and lets the server be ready all the same', async () => {
    put('pod-identity-webhook');
    refuse();
    harness.index.start();
    await eventually(() => harness.index.isSynced());
    expect(known()).toBe('the index of webhook configurations does not hear the API server');
    expect(harness.counts.webhookChanges).toBeGreaterThan(0);
    expect(harness.index.status().mutatingWebhooks?.failure).toBe(
      `list ${WEBHOOKS}: HTTP 403 Forbidden: it is Forbidden`,
    );

    harness.server.intercept = () => 'pass';
    harness.clock.advance(500);
    await eventually(() => known() === 'pod-identity-webhook');
  });

  it('goes by the last list while the API server is not heard', async () => {
    put('pod-identity-webhook');
    await startSynced(harness, 3);
    refuse();
    harness.server.breakWatches();
    await eventually(() => harness.index.status().mutatingWebhooks?.failure !== undefined);
    expect(known()).toBe('pod-identity-webhook');
  });

  it('keeps the server from being ready while its first list is on its way', async () => {
    harness.server.intercept = (request) => (request.path === WEBHOOKS ? 'hang' : 'pass');
    harness.index.start();
    await eventually(() => harness.index.status().namespaces.synced && harness.index.status().serviceAccounts.synced);
    expect(harness.index.isSynced()).toBe(false);
    expect(known()).toBe('the index of webhook configurations is not filled yet');
  });
});

describe('Without it', () => {
  it('no webhook configuration is asked for, and none is known', async () => {
    const plain = await createIndexHarness();
    try {
      await startSynced(plain);
      expect(plain.index.reader.mutatingWebhooks()).toEqual({
        state: 'unknown',
        why: 'foreignWebhooks.watch is false',
      });
      expect(plain.server.requests.filter(({ path }) => path.includes('webhook'))).toEqual([]);
    } finally {
      await plain.index.stop();
      await plain.server.stop();
    }
  });
});
