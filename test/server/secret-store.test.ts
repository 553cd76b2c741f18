import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateAuthorities, type SecretStoreOptions } from '../../src/certificates/secret-store.ts';
import { connect } from '../../src/kube/client.ts';
import { type Clock, createSystemClock } from '../../src/kube/clock.ts';
import { asString, type JsonObject, valueAt } from '../../src/objects/json.ts';
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
    const ca = await loadOrCreateAuthorities({ ...options, labels: { app: 'curfew' } });
    expect(await loadOrCreateAuthorities(options)).toEqual(ca);
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
    await loadOrCreateAuthorities(options);
    expect(server.get(path)).not.toHaveProperty(['metadata', 'ownerReferences']);
    expect(options.log.lines).toContainEqual(expect.stringContaining('will not go with its Deployment'));

    server.put('/apis/apps/v1/namespaces/curfew-system/deployments/curfew', {
      metadata: { name: 'curfew', uid: 'u-1' },
    });
    await loadOrCreateAuthorities({ ...options, name: 'other-ca' });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'curfew' }];
    expect(server.get(path.replace('curfew-ca', 'other-ca'))).toMatchObject({ metadata: { ownerReferences } });
  });

  it('ends with one CA when replicas start at once', async () => {
    const options = await createOptions();
    const all = await Promise.all(Array.from({ length: 5 }, () => loadOrCreateAuthorities(options)));
    expect(new Set(all.map(({ signing }) => signing.cert)).size).toBe(1);
    expect(writes().length).toBeGreaterThan(1);
  });

  it('replaces a CA that is corrupt or expired, keeps what else is there, and agrees in a race', async () => {
    const options = await createOptions();
    const metadata = { name: 'curfew-ca', namespace: 'curfew-system', labels: { kept: 'yes' } };
    server.put(path, { kind: 'Secret', metadata, type: 'Opaque', data: { other: 'a2VwdA==', 'ca.crt': 'eA==' } });
    const all = await Promise.all(Array.from({ length: 3 }, () => loadOrCreateAuthorities(options)));
    expect(new Set(all.map(({ signing }) => signing.cert)).size).toBe(1);
    expect(server.get(path)).toMatchObject({ metadata: { labels: { kept: 'yes' } }, data: { other: 'a2VwdA==' } });
    expect(options.log.lines).toContain('stored CA cannot be used and is replaced: there is no ca.key');

    const later = { ...options, clock: { ...options.clock, now: () => Date.now() + 11 * 365 * DAY } };
    const next = await loadOrCreateAuthorities(later);
    expect(next.signing.cert).not.toBe(all[0]?.signing.cert);
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
    await loadOrCreateAuthorities(options);
    server.intercept = (_, response) => {
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    await expect(loadOrCreateAuthorities(options)).rejects.toThrow(
      'Secret curfew-system/curfew-ca: reading: HTTP 403 Forbidden.',
    );
    await server.stop();
    await expect(loadOrCreateAuthorities(options)).rejects.toThrow(
      /^Secret curfew-system\/curfew-ca holds no usable CA after 6 attempts: reading: GET https:.*ECONNREFUSED/,
    );
  });

  describe('keeps what it replaces trusted', () => {
    const read = (key: string) => {
      const text = asString(valueAt(server.get(path), ['data', key]));
      return text === undefined ? undefined : Buffer.from(text, 'base64').toString();
    };
    const at = (options: SecretStoreOptions, ms: number): SecretStoreOptions => ({
      ...options,
      clock: { ...options.clock, now: () => Date.now() + ms },
    });

    it('until the last leaf of it has ended, when it is due', async () => {
      const options = { ...(await createOptions()), lifetimeMs: 90 * DAY, leafLifetimeMs: 10 * DAY };
      const first = await loadOrCreateAuthorities(options);
      expect((await loadOrCreateAuthorities(at(options, 59 * DAY), first.signing.cert)).signing).toEqual(first.signing);
      const second = await loadOrCreateAuthorities(at(options, 61 * DAY), first.signing.cert);
      expect(second.signing.cert).not.toBe(first.signing.cert);
      expect(second.previous).toEqual([first.signing.cert.trim()]);
      // The other replica finds it, whichever it uses.
      for (const inUse of [first.signing.cert, second.signing.cert]) {
        expect(await loadOrCreateAuthorities(at(options, 61 * DAY), inUse)).toEqual(second);
      }
      expect(read('previous.crt')?.trim()).toBe(first.signing.cert.trim());
      expect((await loadOrCreateAuthorities(at(options, 70 * DAY), second.signing.cert)).previous).toHaveLength(1);
      expect((await loadOrCreateAuthorities(at(options, 72 * DAY), second.signing.cert)).previous).toEqual([]);
    });

    it('when two replicas find at once that it is due', async () => {
      const options = { ...(await createOptions()), lifetimeMs: 90 * DAY };
      const { signing } = await loadOrCreateAuthorities(options);
      const late = at(options, 61 * DAY);
      const both = await Promise.all([1, 2].map(() => loadOrCreateAuthorities(late, signing.cert)));
      expect(both[0]).toEqual(both[1]);
      expect(both[0]?.previous).toEqual([signing.cert.trim()]);
    });

    it.each([
      ['deleted', () => server.remove(path)],
      ['emptied', () => server.put(path, { kind: 'Secret', metadata: { name: 'curfew-ca' }, type: 'Opaque' })],
      [
        'filled with something else',
        () =>
          server.put(path, {
            kind: 'Secret',
            metadata: { name: 'curfew-ca' },
            data: { 'ca.crt': 'eA==', 'ca.key': 'eA==' },
          }),
      ],
    ])('when the Secret was %s', async (_what, spoil) => {
      const options = await createOptions();
      const { signing } = await loadOrCreateAuthorities(options);
      spoil();
      const next = await loadOrCreateAuthorities(options, signing.cert);
      expect(next.signing.cert).not.toBe(signing.cert);
      expect(next.previous).toEqual([signing.cert.trim()]);
      expect(await loadOrCreateAuthorities(options, next.signing.cert)).toEqual(next);
    });

    it('when somebody put another CA into the Secret, and everybody agrees on both', async () => {
      const options = await createOptions();
      const own = await loadOrCreateAuthorities(options);
      const foreign = await loadOrCreateAuthorities({ ...options, name: 'foreign-ca' });
      server.put(path, server.get(path.replace('curfew-ca', 'foreign-ca')) as JsonObject);
      const next = await loadOrCreateAuthorities(options, own.signing.cert);
      expect(next).toEqual({ signing: foreign.signing, previous: [own.signing.cert.trim()] });
      expect(await loadOrCreateAuthorities(options, foreign.signing.cert)).toEqual(next);
    });

    it('unless its certificate has ended, or what is kept is damaged or has no readable end', async () => {
      const options = { ...(await createOptions()), lifetimeMs: 9 * DAY };
      const { signing } = await loadOrCreateAuthorities(options);
      expect((await loadOrCreateAuthorities(at(options, 10 * DAY), signing.cert)).previous).toEqual([]);
      const until = Buffer.from(new Date(Date.now() + DAY).toISOString()).toString('base64');
      const fresh = (await loadOrCreateAuthorities({ ...options, name: 'other-ca' })).signing;
      const stored = server.get(path.replace('curfew-ca', 'other-ca')) as JsonObject;
      const spoil = (data: JsonObject) =>
        server.put(path, { ...stored, data: { ...(stored['data'] as JsonObject), ...data } });
      const previous = Buffer.from(signing.cert).toString('base64');
      spoil({ 'previous.crt': previous, 'previous-until': until });
      expect((await loadOrCreateAuthorities(options)).previous).toHaveLength(1);
      spoil({ 'previous.crt': previous, 'previous-until': 'eA==' });
      expect(await loadOrCreateAuthorities(options)).toEqual({ signing: fresh, previous: [] });
      const damaged = Buffer.from(signing.cert.replace(/\n[A-Za-z]{4}/, '\n')).toString('base64');
      spoil({ 'previous.crt': damaged, 'previous-until': until });
      expect((await loadOrCreateAuthorities(options)).previous).toEqual([]);
    });
  });
});
