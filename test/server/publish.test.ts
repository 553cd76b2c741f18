import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublisher, type WantedConfiguration, type WebhookRule } from '../../src/certificates/publish.ts';
import { connect } from '../../src/kube/client.ts';
import { asArray, asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { type FakeApiServer, sendStatus, startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually } from './fake-clock.ts';
import { DAY, issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';

const toPem = (text: string) => `-----BEGIN CERTIFICATE-----\n${toStored(text)}\n-----END CERTIFICATE-----\n`;
const toStored = (text: string) => Buffer.from(text).toString('base64');
const [OLD, PEM, NEW] = [toPem('old'), toPem('pem'), toPem('new')];

/** Of the publisher in these tests, in ms: unlike any other wait in it. */
const INTERVAL = 12_345;

let server: FakeApiServer;
beforeEach(async () => {
  server = await startFakeApiServer();
});
afterEach(() => server.stop());

describe('publisher', () => {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/curfew';
  const rule = (resources: readonly string[], more: Partial<WebhookRule> = {}): WebhookRule => ({
    operations: ['CREATE', 'UPDATE'],
    apiGroups: [''],
    apiVersions: ['v1'],
    resources,
    ...more,
  });
  const wanted: WantedConfiguration = {
    kind: 'ValidatingWebhookConfiguration',
    name: 'curfew',
    rules: () => rules,
  };
  const plain: ReadonlyMap<string, readonly WebhookRule[]> = new Map([
    ['pods.curfew.dev', [rule(['pods']), rule(['pods/ephemeralcontainers'])]],
    ['secrets.curfew.dev', [rule(['secrets'])]],
  ]);
  let rules = plain;
  afterEach(() => {
    rules = plain;
  });
  const entry = (name: string, more: JsonObject = {}): JsonObject => ({
    name,
    clientConfig: { service: { name: 'curfew', namespace: 'curfew-system', path: `/${name}` } },
    failurePolicy: 'Fail',
    ...more,
  });
  const store = (...webhooks: JsonObject[]) => server.put(path, { metadata: { name: 'curfew' }, webhooks });
  const patches = () => server.requests.filter((request) => request.method === 'PATCH');
  const at = (...steps: (string | number)[]) => valueAt(server.get(path), ['webhooks', ...steps]);

  async function create(bundle: { pem: string | undefined; asOf?: number }) {
    const clock = createFakeClock();
    const log = createLineLog();
    const client = await connect({ kubeconfig: server.kubeconfig });
    const publisher = createPublisher({
      client,
      configurations: [wanted],
      caBundle: () => bundle.pem,
      bundleAsOf: () => bundle.asOf ?? clock.now(),
      intervalMs: INTERVAL,
      clock,
      log,
    });
    // Between looks the interval sleeps and nothing else. The deadline of a request is as long, so the clock may move
    // only then, or a look would be cut off.
    const resting = () => eventually(() => clock.sleepsOf(INTERVAL) === 1 && clock.sleepers() === 1);
    const settled = async () => {
      await resting();
      clock.advance(INTERVAL);
      await resting();
    };
    return { publisher, clock, log, settled };
  }

  it('publishes into an entry that comes with another configuration, and misses none that goes', async () => {
    store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'));
    const { publisher, settled } = await create({ pem: PEM });
    publisher.start();
    await eventually(() => publisher.isPublished());
    rules = new Map([...plain, ['api-access.curfew.dev', [rule(['serviceaccounts'])]]]);
    await settled();
    expect(publisher.status()).toEqual([
      'ValidatingWebhookConfiguration curfew lacks the entries api-access.curfew.dev.',
    ]);
    store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'), entry('api-access.curfew.dev'));
    await settled();
    expect(publisher.isPublished()).toBe(true);
    expect(at(2, 'rules', 0, 'resources')).toEqual(['serviceaccounts']);
    rules = plain;
    store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'));
    await settled();
    expect(publisher.isPublished()).toBe(true);
    await publisher.stop();
  });

  it('publishes rules and bundle into our entries only, and nothing again', async () => {
    store(entry('foreign.example.com'), entry('secrets.curfew.dev'), entry('pods.curfew.dev'));
    const { publisher, log, settled } = await create({ pem: PEM });
    expect(publisher.isPublished()).toBe(false);
    expect(publisher.status()).toEqual(['ValidatingWebhookConfiguration curfew was not looked at yet.']);
    publisher.start();
    await eventually(() => publisher.isPublished());
    expect(at(0)).toEqual(entry('foreign.example.com'));
    expect(at(1, 'rules')).toEqual([rule(['secrets'])]);
    expect(at(1, 'clientConfig')).toEqual({
      service: { name: 'curfew', namespace: 'curfew-system', path: '/secrets.curfew.dev' },
      caBundle: toStored(PEM),
    });
    expect(at(2, 'rules', 1, 'resources')).toEqual(['pods/ephemeralcontainers']);
    expect(patches()[0]?.headers['content-type']).toBe('application/json-patch+json');
    const operations = asArray(JSON.parse(patches()[0]?.body ?? ''));
    expect(operations.map((operation) => [member(operation, 'op'), member(operation, 'path')])).toEqual([
      ['test', '/webhooks/1/name'],
      ['add', '/webhooks/1/rules'],
      ['add', '/webhooks/1/clientConfig/caBundle'],
      ['test', '/webhooks/2/name'],
      ['add', '/webhooks/2/rules'],
      ['add', '/webhooks/2/clientConfig/caBundle'],
    ]);
    await settled();
    await settled();
    expect(patches()).toHaveLength(1);
    expect(log.lines).toEqual(['ValidatingWebhookConfiguration curfew has its rules and CA bundle.']);
    expect(publisher.status()).toEqual(log.lines);
    await publisher.stop();
  });

  it('takes defaults and another order for equal, and repairs what differs', async () => {
    const bundle = { pem: PEM as string | undefined };
    const service = { name: 'curfew', namespace: 'curfew-system', path: '/x' };
    const clientConfig = { service, caBundle: toStored(PEM) };
    const same = [
      { ...rule(['pods/ephemeralcontainers'], { scope: '*' }), operations: ['UPDATE', 'CREATE'] },
      rule(['pods'], { scope: '*' }),
    ];
    const secrets = entry('secrets.curfew.dev', { clientConfig, rules: [rule(['secrets'], { scope: '*' })] });
    store(entry('pods.curfew.dev', { clientConfig, rules: same }), secrets);
    const { publisher, settled } = await create(bundle);
    publisher.start();
    await eventually(() => publisher.isPublished());
    expect(patches()).toHaveLength(0);

    store(entry('pods.curfew.dev', { clientConfig: { service, caBundle: toStored(OLD) }, rules: same }), secrets);
    await settled();
    expect(at(0, 'clientConfig', 'caBundle')).toBe(toStored(PEM));
    store(entry('pods.curfew.dev', { clientConfig, rules: [rule(['pods'], { scope: 'Namespaced' })] }), secrets);
    await settled();
    expect(at(0, 'rules')).toEqual(plain.get('pods.curfew.dev'));
    expect(patches()).toHaveLength(2);

    bundle.pem = NEW;
    publisher.poke();
    await eventually(() => at(1, 'clientConfig', 'caBundle') === toStored(NEW));
    bundle.pem = undefined;
    store(entry('pods.curfew.dev', { clientConfig }), secrets);
    await settled();
    expect(at(0, 'clientConfig', 'caBundle')).toBe(toStored(PEM));
    expect(at(0, 'rules')).toHaveLength(2);
    await publisher.stop();
  });

  it('reads again when the configuration changed under its patch', async () => {
    store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'));
    const { publisher, clock } = await create({ pem: PEM });
    let changes = 2;
    server.intercept = (request) => {
      if (request.method === 'PATCH' && changes > 0) {
        changes -= 1;
        if (changes === 1) store(entry('secrets.curfew.dev'), entry('pods.curfew.dev'));
        else store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'));
      }
      return 'pass';
    };
    publisher.start();
    // 100 ms, then 200 ms, and three quarters of it with this clock's dice.
    for (const wait of [75, 150]) {
      await eventually(() => clock.sleepsOf(wait) === 1);
      clock.advance(wait);
    }
    await eventually(() => publisher.isPublished());
    expect(at(1, 'rules')).toEqual([rule(['secrets'])]);
    await publisher.stop();
  });

  it('says once what is missing or forbidden, until that changes', async () => {
    const { publisher, log, settled } = await create({ pem: PEM });
    publisher.start();
    await eventually(() => log.lines.length === 1);
    await settled();
    await settled();
    store(entry('pods.curfew.dev'));
    await settled();
    expect(publisher.isPublished()).toBe(false);
    server.intercept = (_, response) => {
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    await settled();
    await settled();
    expect(log.lines).toEqual([
      'ValidatingWebhookConfiguration curfew does not exist.',
      'ValidatingWebhookConfiguration curfew lacks the entries secrets.curfew.dev.',
      'ValidatingWebhookConfiguration curfew cannot be read: HTTP 403 Forbidden: it is Forbidden.',
    ]);
    expect(publisher.status()).toEqual([log.lines[2]]);
    await publisher.stop();
  });

  it('knows since when its entries have had the bundle', async () => {
    const bundle = { pem: OLD };
    store(entry('pods.curfew.dev'), entry('secrets.curfew.dev'));
    const { publisher, clock, settled } = await create(bundle);
    expect(publisher.wasBundleHeld()).toBe(false);
    publisher.start();
    await settled();
    const start = clock.now() - INTERVAL;
    expect(publisher.wasBundleHeld()).toBe(true);
    expect(publisher.isBundleHeld(OLD, start)).toBe(true);
    expect(publisher.isBundleHeld(OLD, start - 1)).toBe(false);
    expect(publisher.isBundleHeld(NEW, clock.now())).toBe(false);

    bundle.pem = NEW;
    await settled();
    const changed = clock.now();
    expect(publisher.isBundleHeld(OLD, changed)).toBe(false);
    expect(publisher.isBundleHeld(NEW, changed)).toBe(true);
    expect(publisher.isBundleHeld(NEW, changed - 1)).toBe(false);

    // Somebody puts another one there, and it is repaired: from then on it counts again.
    store(entry('pods.curfew.dev', { clientConfig: { caBundle: 'eA==' } }));
    await settled();
    expect(publisher.isBundleHeld(NEW, changed)).toBe(false);
    expect(publisher.isBundleHeld(NEW, clock.now())).toBe(true);

    // Nobody can look: what was seen still holds. Nobody may write: it does not.
    const repaired = clock.now();
    server.intercept = (_, response) => {
      sendStatus(response, 503, 'ServiceUnavailable');
      return 'handled';
    };
    await settled();
    expect(publisher.isBundleHeld(NEW, repaired)).toBe(true);
    server.intercept = (request, response) => {
      if (request.method === 'GET') return 'pass';
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    store(entry('pods.curfew.dev', { clientConfig: { caBundle: 'eA==' } }));
    await settled();
    expect(publisher.isBundleHeld(NEW, clock.now())).toBe(false);
    expect(publisher.wasBundleHeld()).toBe(true);
    await publisher.stop();
  });

  it('has nothing to wait for where there is no configuration', async () => {
    const { publisher, settled } = await create({ pem: PEM });
    publisher.start();
    await settled();
    expect(publisher.isPublished()).toBe(false);
    expect(publisher.wasBundleHeld()).toBe(true);
    await publisher.stop();
  });

  it('takes no CA away that another replica may know of, and none that has ended stays', async () => {
    const now = createFakeClock().now();
    const made = await Promise.all([1, 2, 3].map(async () => (await issuePair(now)).ca));
    const [own = '', next = '', foreign = ''] = made.map(({ cert }) => `${cert.trim()}\n`);
    const ended = (await issuePair(now - 20 * DAY)).ca.cert;
    const published = () => Buffer.from(asString(at(0, 'clientConfig', 'caBundle')) ?? '', 'base64').toString();
    const put = (pem: string) => store(entry('pods.curfew.dev', { clientConfig: { caBundle: toStored(pem) } }));
    const bundle = { pem: own, asOf: now - 1 };
    put(next + own + ended);
    const { publisher, clock, settled } = await create(bundle);
    publisher.start();
    // Another replica replaced the CA, and this one has not looked since.
    await settled();
    expect(published()).toBe(own + next);
    await settled();
    expect(published()).toBe(own + next);
    expect(publisher.isBundleHeld(own, clock.now())).toBe(true);
    // It has, and knows.
    bundle.pem = next + own;
    bundle.asOf = clock.now();
    await settled();
    // Somebody put another one there, and nobody knows it.
    put(own + foreign);
    await settled();
    expect(published()).toBe(next + own + foreign);
    bundle.asOf = clock.now() + 1;
    await settled();
    expect(published()).toBe(next + own);
    await publisher.stop();
  });
});
