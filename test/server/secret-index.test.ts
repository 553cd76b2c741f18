import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { sendStatus } from './fake-api-server.ts';
import { eventually } from './fake-clock.ts';
import { createIndexHarness, type IndexHarness, NAMESPACES, startSynced } from './index-harness.ts';

const SECRETS = '/api/v1/secrets';
const TOKEN_TEXT = 'eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2VjcmV0';

let harness: IndexHarness;

beforeEach(async () => {
  harness = await createIndexHarness({ withTokenSecrets: true });
});

afterEach(async () => {
  await harness.index.stop();
  await harness.server.stop();
});

function putSecret(name: string, account: string, more: JsonObject = {}): void {
  const annotations = { 'kubernetes.io/service-account.name': account };
  harness.server.put(`${NAMESPACES}/a/secrets/${name}`, { metadata: { namespace: 'a', name, annotations }, ...more });
}

const lookUp = (name: string) => harness.index.reader.tokenSecret('a', name);

describe('The index of token Secrets', () => {
  it('asks for the metadata of token Secrets and for nothing else, with no form to fall back to', async () => {
    await startSynced(harness, 3);
    const [list, watch] = harness.server.requests.filter(({ path }) => path === SECRETS);
    expect(list?.query.get('fieldSelector')).toBe('type=kubernetes.io/service-account-token');
    expect(watch?.query.get('fieldSelector')).toBe('type=kubernetes.io/service-account-token');
    expect(list?.headers.accept).toBe('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
    expect(watch?.headers.accept).toBe('application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
  });

  it('knows whose token a Secret holds, and keeps nothing of the token even if one is sent', async () => {
    putSecret('old', 'ci', { data: { token: TOKEN_TEXT } });
    await startSynced(harness, 3);
    expect(lookUp('old')).toEqual({ state: 'found', value: { namespace: 'a', name: 'old', account: 'ci' } });
    expect(lookUp('other')).toEqual({ state: 'absent' });
    expect(JSON.stringify([lookUp('old'), harness.index.status(), harness.counts.lines])).not.toContain('eyJ');
    expect(Object.fromEntries(harness.counts.sizes)).toMatchObject({ secrets: 1 });
  });

  it('follows additions and removals, and never reads a Secret by name', async () => {
    await startSynced(harness, 3);
    putSecret('new', 'web');
    await eventually(() => lookUp('new').state === 'found');
    harness.server.remove(`${NAMESPACES}/a/secrets/new`);
    await eventually(() => lookUp('new').state === 'absent');
    expect(harness.server.requests.filter(({ path }) => path.includes('/secrets/'))).toEqual([]);
    expect(harness.counts.live).toEqual([]);
  });

  it('knows nothing while the right is missing, says so, and lets the server be ready all the same', async () => {
    harness.server.intercept = (request, response) => {
      if (request.path !== SECRETS) return 'pass';
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    harness.index.start();
    await eventually(() => harness.index.isSynced());
    expect(lookUp('old')).toEqual({
      state: 'unknown',
      why: 'the index of token Secrets does not hear the API server',
    });
    expect(harness.index.status().tokenSecrets).toMatchObject({
      synced: false,
      failure: 'list /api/v1/secrets: HTTP 403 Forbidden: it is Forbidden',
    });
    expect(harness.counts.lines).toContain(
      'index lost the API server, will try again: list /api/v1/secrets: HTTP 403 Forbidden: it is Forbidden',
    );

    harness.server.intercept = () => 'pass';
    putSecret('old', 'ci');
    harness.clock.advance(500);
    await eventually(() => lookUp('old').state === 'found');
    expect(harness.index.status().tokenSecrets).toMatchObject({ synced: true, failure: undefined });
  });

  it('keeps the server from being ready while its first list is on its way', async () => {
    harness.server.intercept = (request) => (request.path === SECRETS ? 'hang' : 'pass');
    harness.index.start();
    await eventually(() => harness.index.status().namespaces.synced && harness.index.status().serviceAccounts.synced);
    expect(harness.index.isSynced()).toBe(false);
    expect(lookUp('old')).toEqual({ state: 'unknown', why: 'the index of token Secrets is not filled yet' });
  });
});

describe('Without it', () => {
  it('no Secret is asked for, and every lookup is unknown', async () => {
    const plain = await createIndexHarness();
    try {
      await startSynced(plain);
      expect(plain.index.reader.tokenSecret('a', 'old')).toEqual({
        state: 'unknown',
        why: 'the index of token Secrets is off',
      });
      expect(plain.server.requests.filter(({ path }) => path.includes('secrets'))).toEqual([]);
    } finally {
      await plain.index.stop();
      await plain.server.stop();
    }
  });
});
