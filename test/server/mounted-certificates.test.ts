/** A certificate in a mounted Secret: what replaces it is used without a restart, and what cannot be used is not. */

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { splitBundle } from '../../src/certificates/authorities.ts';
import { decode } from '../../src/certificates/base64.ts';
import { createFileSource, type FileSourceOptions } from '../../src/certificates/files.ts';
import { issueServingCertificate, type ServingCertificate } from '../../src/certificates/issue.ts';
import { createPublisher } from '../../src/certificates/publish.ts';
import { connect } from '../../src/kube/client.ts';
import { asString, valueAt } from '../../src/objects/json.ts';
import { startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually, type FakeClock } from './fake-clock.ts';
import { DAY, issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';
import { type MountedFolder, mountFolder } from './mounted-folder.ts';

const LOOK = 5_000;
const LAG = 600_000;

type Pair = Awaited<ReturnType<typeof issuePair>>;
type Files = Readonly<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>>;

const folders: MountedFolder[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

const toFiles = ({ ca, leaf }: Pair): Files => ({ 'tls.crt': leaf.cert, 'tls.key': leaf.key, 'ca.crt': ca.cert });

async function mount(files: Readonly<Record<string, string>>): Promise<MountedFolder> {
  const folder = await mountFolder(files);
  folders.push(folder);
  return folder;
}

const pathsIn = ({ path }: MountedFolder) => ({
  certFile: join(path, 'tls.crt'),
  keyFile: join(path, 'tls.key'),
  caFile: join(path, 'ca.crt'),
});

/** A source of such a folder that runs, and the means to have it look once more. */
async function start(files: Files, more: Partial<FileSourceOptions> = {}) {
  const clock = createFakeClock();
  const log = createLineLog();
  const folder = await mount(files);
  const source = await createFileSource({ ...pathsIn(folder), intervalMs: LOOK, clock, log, ...more });
  const seen: ServingCertificate[] = [];
  source.onChange((certificate) => seen.push(certificate));
  source.start();
  const look = async () => await lookOnce(clock);
  return { clock, log, folder, source, seen, look };
}

async function lookOnce(clock: FakeClock): Promise<void> {
  await eventually(() => clock.sleepsOf(LOOK) === 1);
  clock.advance(LOOK);
  await eventually(() => clock.sleepsOf(LOOK) === 1);
}

describe('A mounted certificate', () => {
  const now = createFakeClock().now();

  it('is used as soon as the folder is swapped, and told once', async () => {
    const [one, two] = [await issuePair(now), await issuePair(now)];
    const { log, folder, source, seen, look } = await start(toFiles(one));
    expect(source.current()).toMatchObject({ cert: one.leaf.cert, caBundle: one.ca.cert, notAfter: one.leaf.notAfter });
    await look();
    expect(seen).toEqual([]);
    await folder.swap(toFiles(two));
    await look();
    await look();
    // The bundle before the leaf, both at one look where nobody has to be told.
    expect(seen.map(({ cert, caBundle }) => [cert === two.leaf.cert, caBundle === two.ca.cert])).toEqual([
      [false, true],
      [true, true],
    ]);
    expect(log.lines).toEqual(['the CA bundle changed', 'serving certificate reloaded']);
    await source.stop();
  });

  const half = 'the key does not belong to the certificate';
  it.each<[string, (one: Pair, two: Pair) => Promise<Readonly<Record<string, string>>>, string]>([
    ['a half-written pair', async (one, two) => ({ ...toFiles(two), 'tls.key': one.leaf.key }), half],
    ['no key', async (_one, two) => ({ 'tls.crt': two.leaf.cert, 'ca.crt': two.ca.cert }), 'cannot be read (ENOENT)'],
    ['an empty certificate', async (_one, two) => ({ ...toFiles(two), 'tls.crt': '' }), 'is no PEM certificate'],
    ['an empty CA file', async (_one, two) => ({ ...toFiles(two), 'ca.crt': '' }), 'it holds no PEM certificate'],
    ['a foreign CA', async (one, two) => ({ ...toFiles(two), 'ca.crt': one.ca.cert }), 'was not issued by one in it'],
    ['one that has ended', async () => toFiles(await issuePair(now - 2 * DAY)), 'the certificate ended at'],
    ['one for others', async () => toFiles(await issueFor('other.svc')), 'it is not for curfew.curfew-system.svc'],
  ])('stays in use where what comes is of no use, and says so once: %s', async (_what, spoil, why) => {
    const [one, two] = [await issuePair(now), await issuePair(now)];
    const { log, folder, source, seen, look } = await start(toFiles(one), {
      servingNames: ['curfew.curfew-system.svc'],
    });
    await folder.swap(await spoil(one, two));
    await look();
    await look();
    expect(seen).toEqual([]);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatch(/^new serving certificate refused, the old one stays: /);
    expect(log.lines[0]).toContain(why);
    expect(log.lines[0]).not.toContain('PRIVATE KEY');
    expect(source.problem()).toContain(why);
    await folder.swap(toFiles(two));
    await look();
    expect(source.current().cert).toBe(two.leaf.cert);
    expect(source.problem()).toBeUndefined();
    await source.stop();
  });

  it('of a new CA waits until that CA is known, and one of the same CA does not', async () => {
    const [one, two] = [await issuePair(now), await issuePair(now)];
    const known = new Set<string>();
    const { folder, source, look, log } = await start(toFiles(one), { isBundleKnown: (bundle) => known.has(bundle) });
    const renewed = await issueFor('localhost', one);
    await folder.swap(toFiles(renewed));
    await look();
    expect(source.current().cert).toBe(renewed.leaf.cert);
    await folder.swap(toFiles(two));
    await look();
    await look();
    expect(source.current()).toMatchObject({ cert: renewed.leaf.cert, caBundle: two.ca.cert });
    expect(source.problem()).toBe('A new serving certificate waits until the webhook configurations have its CA.');
    expect(log.lines.filter((line) => line.includes('waits'))).toHaveLength(1);
    known.add(two.ca.cert);
    await look();
    expect(source.current()).toMatchObject({ cert: two.leaf.cert, caBundle: two.ca.cert });
    expect(source.problem()).toBeUndefined();
    await source.stop();
  });

  it('that has ended is replaced whoever knows the new CA', async () => {
    const [one, two] = [await issuePair(now), await issuePair(now, 5 * DAY)];
    const { clock, folder, source, look } = await start(toFiles(one), { isBundleKnown: () => false });
    await folder.swap(toFiles(two));
    await look();
    expect(source.current().cert).toBe(one.leaf.cert);
    clock.advance(DAY);
    await eventually(() => source.current().cert === two.leaf.cert);
    await source.stop();
  });

  it('that is no good at the start ends it with a sentence', async () => {
    const clock = createFakeClock();
    const pair = await issuePair(now);
    const create = async (files: Readonly<Record<string, string>>) => {
      const paths = pathsIn(await mount(files));
      return await createFileSource({ ...paths, intervalMs: LOOK, clock, log: createLineLog() });
    };
    await expect(create({})).rejects.toThrow(/^File .*tls\.crt cannot be read \(ENOENT\)\.$/);
    await expect(create({ ...toFiles(pair), 'ca.crt': 'x' })).rejects.toThrow(
      /^CA file .*ca\.crt cannot be used: it holds no PEM certificate\.$/,
    );
    const large = { ...toFiles(pair), 'tls.crt': 'x'.repeat(1024 * 1024 + 1) };
    await expect(create(large)).rejects.toThrow(/tls\.crt is larger than 1048576 bytes\.$/);
    clock.advance(DAY);
    await expect(create(toFiles(pair))).rejects.toThrow('the certificate ended at');
  });

  /** A leaf for this name, of the CA of `pair` if there is one. */
  async function issueFor(name: string, pair?: Pair): Promise<Pair> {
    const { ca } = pair ?? (await issuePair(now));
    const request = { ca, dnsNames: [name], ipAddresses: [], notBefore: now, notAfter: now + DAY };
    return { ca, leaf: await issueServingCertificate(request) };
  }
});

describe('Two replicas whose kubelets look at different times', () => {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/curfew';
  const INTERVAL = 12_345;

  it('are both trusted all the while, and the old CA goes some minutes after', async () => {
    const server = await startFakeApiServer();
    const clock = createFakeClock();
    const [one, two] = [await issuePair(clock.now()), await issuePair(clock.now())];
    server.put(path, { metadata: { name: 'curfew' }, webhooks: [{ name: 'pods.curfew.dev', clientConfig: {} }] });
    const published = () =>
      splitBundle(decode(asString(valueAt(server.get(path), ['webhooks', 0, 'clientConfig', 'caBundle'])) ?? ''));
    const startReplica = async () => {
      const folder = await mount(toFiles(one));
      const files = { ...pathsIn(folder), intervalMs: LOOK, clock, log: createLineLog() };
      const source = await createFileSource({
        ...files,
        isBundleKnown: (bundle) => publisher.isBundleHeld(bundle, clock.now() - 2 * INTERVAL),
      });
      const publisher = createPublisher({
        client: await connect({ kubeconfig: server.kubeconfig }),
        configurations: [
          { kind: 'ValidatingWebhookConfiguration', name: 'curfew', rules: () => new Map([['pods.curfew.dev', []]]) },
        ],
        caBundle: () => source.current().caBundle,
        bundleAsOf: source.checkedAt,
        intervalMs: INTERVAL,
        clock,
        log: createLineLog(),
      });
      source.onChange(() => publisher.poke());
      source.start();
      publisher.start();
      return { folder, source, publisher };
    };
    const replicas = [await startReplica(), await startReplica()] as const;
    const [early, late] = replicas;
    const isResting = () => clock.sleepsOf(LOOK) === 2 && clock.sleepsOf(INTERVAL) === 2 && clock.sleepers() === 4;
    /** Whoever is called at any moment is trusted by what is published at that moment. */
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += LOOK) {
        await eventually(isResting);
        clock.advance(LOOK);
        await eventually(isResting);
        const trusted = published();
        for (const { source } of replicas) {
          const { ca } = source.current().cert === one.leaf.cert ? one : two;
          expect(trusted).toContain(ca.cert.trim());
        }
      }
    };
    await pass(2 * INTERVAL);
    await early.folder.swap(toFiles(two));
    await pass(LAG / 4);
    expect(early.source.current().cert).toBe(two.leaf.cert);
    expect(late.source.current().cert).toBe(one.leaf.cert);
    expect(published()).toHaveLength(2);
    await late.folder.swap(toFiles(two));
    await pass(LAG / 4);
    expect(late.source.current().cert).toBe(two.leaf.cert);
    await pass(LAG + 2 * INTERVAL);
    expect(published()).toEqual([two.ca.cert.trim()]);
    for (const { source, publisher } of replicas) {
      await source.stop();
      await publisher.stop();
    }
    await server.stop();
  });
});
