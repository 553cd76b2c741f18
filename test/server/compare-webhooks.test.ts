/** Where the chart writes rules and CA bundle, the server looks and says what is not as it needs it. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { encode } from '../../src/certificates/base64.ts';
import { createPublisher, type WebhookRule } from '../../src/certificates/publish.ts';
import { connect } from '../../src/kube/client.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually } from './fake-clock.ts';
import { issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/curfew';
const INTERVAL = 12_345;

const rule = (...resources: readonly string[]): WebhookRule => ({
  operations: ['CREATE'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources,
});
const RULES: ReadonlyMap<string, readonly WebhookRule[]> = new Map([
  ['pods.curfew.dev', [rule('pods')]],
  ['secrets.curfew.dev', [rule('secrets')]],
]);

let server: FakeApiServer;
beforeEach(async () => {
  server = await startFakeApiServer();
});
afterEach(() => server.stop());

it('What somebody else has written is compared, told and left as it is', async () => {
  const clock = createFakeClock();
  const [{ ca: old }, { ca: wanted }] = [await issuePair(clock.now()), await issuePair(clock.now())];
  const entry = (name: string, rules: readonly WebhookRule[], bundle: string): JsonObject => ({
    name,
    rules,
    clientConfig: { caBundle: encode(bundle) },
  });
  const write = (bundle: string, secrets: readonly WebhookRule[]) =>
    server.put(PATH, {
      webhooks: [entry('pods.curfew.dev', [rule('pods')], bundle), entry('secrets.curfew.dev', secrets, bundle)],
    });
  write(old.cert, [rule('secrets', 'configmaps')]);
  const publisher = createPublisher({
    client: await connect({ kubeconfig: server.kubeconfig }),
    configurations: [{ kind: 'ValidatingWebhookConfiguration', name: 'curfew', rules: () => RULES }],
    isReadOnly: true,
    caBundle: () => wanted.cert,
    bundleAsOf: clock.now,
    intervalMs: INTERVAL,
    clock,
    log: createLineLog(),
  });
  const isResting = () => clock.sleepsOf(INTERVAL) === 1 && clock.sleepers() === 1;
  const look = async () => {
    await eventually(isResting);
    clock.advance(INTERVAL);
    await eventually(isResting);
  };
  publisher.start();
  await look();
  expect(publisher.status()).toEqual([
    "ValidatingWebhookConfiguration curfew does not trust this server's certificate in pods.curfew.dev, secrets.curfew.dev, and has other rules than this version in secrets.curfew.dev.",
  ]);
  expect([publisher.isPublished(), publisher.wasBundleHeld()]).toEqual([false, false]);
  write(old.cert + wanted.cert, [rule('secrets', 'configmaps')]);
  await look();
  expect([publisher.isPublished(), publisher.wasBundleHeld()]).toEqual([false, true]);
  expect(publisher.isBundleHeld(wanted.cert, clock.now())).toBe(true);
  write(old.cert + wanted.cert, [rule('secrets')]);
  await look();
  expect(publisher.isPublished()).toBe(true);
  server.put(PATH, { webhooks: [entry('pods.curfew.dev', [rule('pods')], wanted.cert)] });
  await look();
  expect(publisher.status()).toEqual(['ValidatingWebhookConfiguration curfew lacks the entries secrets.curfew.dev.']);
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  await publisher.stop();
});
