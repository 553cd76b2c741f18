import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateAuthority, type SecretStoreOptions } from '../../src/certificates/secret-store.ts';
import { connect } from '../../src/kube/client.ts';
import { type Clock, createSystemClock } from '../../src/kube/clock.ts';
import { type FakeApiServer, sendStatus, startFakeApiServer } from './fake-api-server.ts';
import { createLineLog } from './line-log.ts';

const DAY = 24 * 3600_000;

let server: FakeApiServer;
beforeEach(async () => {
  server = await startFakeApiServer();
});
afterEach(() => server.stop());

/** Real time, but no wait between attempts; deadlines of requests are real. */
function createImpatientClock(): Clock {
  const clock = createSystemClock();
  return { ...clock, sleep: (ms, signal) => clock.sleep(ms < 10_000 ? 0 : ms, signal) };
}

describe('secret store', () => {
  const path = '/api/v1/namespaces/curfew-system/secrets/curfew-ca';

  async function createOptions(): Promise<SecretStoreOptions & { readonly log: ReturnType<typeof createLineLog> }> {
    return {
      client: await connect({ kubeconfig: server.kubeconfig }),
      namespace: 'curfew-system',
      name: 'curfew-ca',
      clock: createImpatientClock(),
      log: createLineLog(),
      signal: new AbortController().signal,
    };
  }
  const writes = () => server.requests.filter((request) => request.method !== 'GET').map(({ method }) => method);

  it('makes the CA once, and finds it again', async () => {
    const options = await createOptions();
    const ca = await loadOrCreateAuthority({ ...options, labels: { app: 'curfew' } });
    expect(await loadOrCreateAuthority(options)).toEqual(ca);
    expect(writes()).toEqual(['PATCH']);
    const apply = server.requests[1];
    expect(apply?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(apply?.query.get('force')).toBe('false');
    expect(server.get(path)).toMatchObject({
      kind: 'Secret',
      type: 'Opaque',
      metadata: { labels: { app: 'curfew' } },
    });
  });

  it('goes with its Deployment, and is made all the same where that cannot be read', async () => {
    const options = { ...(await createOptions()), ownerDeployment: 'curfew' };
    await loadOrCreateAuthority(options);
    expect(server.get(path)).not.toHaveProperty(['metadata', 'ownerReferences']);
    expect(options.log.lines).toContainEqual(expect.stringContaining('will not go with its Deployment'));

    server.put('/apis/apps/v1/namespaces/curfew-system/deployments/curfew', {
      metadata: { name: 'curfew', uid: 'u-1' },
    });
    await loadOrCreateAuthority({ ...options, name: 'other-ca' });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'curfew' }];
    expect(server.get(path.replace('curfew-ca', 'other-ca'))).toMatchObject({ metadata: { ownerReferences } });
  });

  it('ends with one CA when replicas start at once', async () => {
    const options = await createOptions();
    const all = await Promise.all(Array.from({ length: 5 }, () => loadOrCreateAuthority(options)));
    expect(new Set(all.map((ca) => ca.cert)).size).toBe(1);
    expect(writes().length).toBeGreaterThan(1);
  });

  it('replaces a CA that is corrupt or expired, keeps what else is there, and agrees in a race', async () => {
    const options = await createOptions();
    const metadata = { name: 'curfew-ca', namespace: 'curfew-system', labels: { kept: 'yes' } };
    server.put(path, { kind: 'Secret', metadata, type: 'Opaque', data: { other: 'a2VwdA==', 'ca.crt': 'eA==' } });
    const all = await Promise.all(Array.from({ length: 3 }, () => loadOrCreateAuthority(options)));
    expect(new Set(all.map((ca) => ca.cert)).size).toBe(1);
    expect(server.get(path)).toMatchObject({ metadata: { labels: { kept: 'yes' } }, data: { other: 'a2VwdA==' } });
    expect(options.log.lines).toContain('stored CA cannot be used and is replaced: there is no ca.key');

    const later = { ...options, clock: { ...options.clock, now: () => Date.now() + 11 * 365 * DAY } };
    const next = await loadOrCreateAuthority(later);
    expect(next.cert).not.toBe(all[0]?.cert);
    expect(options.log.lines.at(-2)).toMatch(/replaced: the certificate ended at/);
  });

  it('tries again when the server has a bad moment, and says what is missing when it may not', async () => {
    const options = await createOptions();
    let bad = 2;
    server.intercept = (_, response) => {
      if (bad === 0) return 'pass';
      bad -= 1;
      sendStatus(response, 503, 'ServiceUnavailable');
      return 'handled';
    };
    await loadOrCreateAuthority(options);
    server.intercept = (_, response) => {
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    await expect(loadOrCreateAuthority(options)).rejects.toThrow(
      'Secret curfew-system/curfew-ca: reading: HTTP 403 Forbidden.',
    );
    await server.stop();
    await expect(loadOrCreateAuthority(options)).rejects.toThrow(
      /^Secret curfew-system\/curfew-ca holds no usable CA after 6 attempts: reading: GET https:.*ECONNREFUSED/,
    );
  });
});
