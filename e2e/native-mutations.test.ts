/** Policies that change objects beside the webhook that does: the same object must come out of both. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MutationExample } from '../src/mutations/define-mutation.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { FIRST_MINOR } from '../src/native/mutating.ts';
import { API_TOKEN_EXPIRATION_ANNOTATION } from '../src/objects/api-token-expiration.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { fc } from '../test/properties.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { type InstalledCurfew, installCurfew } from './installed-curfew.ts';
import { type Changed, changed } from './native-changes.ts';
import {
  createPolicies,
  KUBERNETES_MINOR,
  type NativePolicies,
  pathOf,
  render,
  toConfiguration,
} from './native-policies.ts';
import { OWNS_CONTROL_PLANE, pod, startTestCluster, type TestCluster } from './test-cluster.ts';

const RUNS = IS_LONG ? 3_000 : 100;

const HAS_POLICIES = KUBERNETES_MINOR >= FIRST_MINOR;
if (!HAS_POLICIES) console.log(`not run: Kubernetes has MutatingAdmissionPolicies from 1.${FIRST_MINOR} on`);

/** Each has namespaces of its own, which the other one leaves alone. */
const ENGINES = ['native', 'webhook'] as const;
type Engine = (typeof ENGINES)[number];

/** A namespace for each engine, and what is in it. */
type World = {
  readonly metadata: JsonObject;
  /** Made as it stands; nothing is there for objects that are accounts themselves. */
  readonly account?: JsonObject;
};

/** What one is told is nothing to the others: examples need no configuration of their own to be asked about. */
const EXAMPLES = MUTATIONS.flatMap(({ id, examples }) => examples.map((example) => ({ id, example })));

const RESTRICTED = { 'curfew.dev/mutate': 'restricted' };
const EXAMPLE_WORLDS = [...new Set(EXAMPLES.map(({ example }) => JSON.stringify(worldOf(example))))];
const GENERATED_WORLDS: readonly World[] = [
  { metadata: { labels: RESTRICTED } },
  {
    metadata: { labels: { 'curfew.dev/mutate': 'baseline' }, annotations: { 'curfew.dev/api-token-expiration': '2h' } },
  },
  {
    metadata: {
      labels: { 'curfew.dev/mutate': 'no-such-level' },
      annotations: { 'curfew.dev/api-access': 'all of it' },
    },
  },
  { metadata: { labels: { 'curfew.dev/mutate': 'off' } } },
];
const WORLDS: readonly World[] = [
  ...EXAMPLE_WORLDS.map((text) => JSON.parse(text) as World),
  ...GENERATED_WORLDS.map((world) => ({ ...world, account: account('web') })),
  ...GENERATED_WORLDS,
];
const nameOf = (engine: Engine, world: number) => `${engine}-${world}`;
const namesOf = (engine: Engine) => WORLDS.map((_, world) => nameOf(engine, world));

const DAY_MS = 86_400_000;
const dayIn = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const rule = (name: string, check: string, more: JsonObject): JsonObject => ({
  name,
  checks: [check],
  reason: 'it is known',
  owner: 'team-build',
  ...more,
});

/** Those without a form in CEL are off, since what they change nobody changes beside them. */
const WITHOUT_FORM = { 'automount-opt-out': { mode: 'off' }, 'inject-token': { mode: 'off' } };
const CONFIGURATIONS: readonly (readonly [string, JsonObject])[] = [
  ['its defaults', { mutations: WITHOUT_FORM }],
  [
    'options and exemptions',
    {
      levels: { mutate: 'restricted' },
      mutations: {
        ...WITHOUT_FORM,
        'short-lived-api-token': {
          expirationSeconds: 1800,
          maxExpirationSeconds: 7200,
          namespaces: Object.fromEntries(ENGINES.map((engine) => [nameOf(engine, 0), 900])),
        },
        'cap-token-request': { maxExpirationSeconds: 3000 },
      },
      checks: { 'token-lifetime': { audiences: { vault: 900, reports: 43_200, 'istio-ca': 3600, own: 3607 } } },
      apiAccess: { acceptFrom: ['ServiceAccount', 'Namespace'] },
      exemptions: {
        rules: [
          rule('by-name', 'token-lifetime', { match: { names: ['exempt-*'] }, permanent: true }),
          rule('for-days', 'token-lifetime', { match: { names: ['days-*'] }, expires: dayIn(3) }),
          rule('ended', 'token-lifetime', { match: { names: ['ended-*'] }, expires: dayIn(-2) }),
          rule('by-account', 'token-lifetime', { match: { serviceAccounts: ['*/ci'] }, permanent: true }),
          rule('by-user', 'token-request-lifetime', { match: { users: ['mary'] }, permanent: true }),
          rule('of-account', 'service-account-automount', { match: { groups: ['builders'] }, expires: dayIn(3) }),
          rule('of-no-more', 'service-account-automount', { match: { users: ['jane'] }, expires: dayIn(-12) }),
        ],
      },
    },
  ],
];
/** Before the end of every exemption: those that have ended meanwhile must end by themselves. */
const RENDERED_AT = Date.now() - 10 * DAY_MS;

let cluster: TestCluster;
let api: ApiClient;
let policies: NativePolicies;
let curfew: InstalledCurfew | undefined;

describe.runIf(HAS_POLICIES && OWNS_CONTROL_PLANE)('Policies and webhook', () => {
  beforeAll(async () => {
    cluster = await startTestCluster();
    api = await openApi(cluster);
    policies = createPolicies(api);
    // Else every namespace has the account `default` before anything can be asked about it.
    cluster.controlPlane.pauseControllerManager();
    for (const engine of ENGINES) {
      for (const [index, world] of WORLDS.entries()) await makeWorld(nameOf(engine, index), world);
    }
  });
  afterAll(async () => {
    cluster?.controlPlane.resumeControllerManager();
    await curfew?.uninstall();
    api?.close();
    await cluster?.controlPlane.stop();
  });

  describe.each(CONFIGURATIONS)('with %s', (_, keys) => {
    beforeAll(async () => {
      const off = { enforce: 'off', warn: 'off', audit: 'off' };
      const all = { ...keys, mutateMode: 'apply', levels: { ...off, ...(keys['levels'] as JsonObject | undefined) } };
      const configuration = toConfiguration({ ...all, excludedNamespaces: namesOf('webhook') });
      await policies.apply(render(configuration, { now: RENDERED_AT }));
      const ofWebhook = { ...all, excludedNamespaces: namesOf('native') };
      if (curfew === undefined) curfew = await installCurfew(cluster, ofWebhook);
      else await curfew.upgrade(ofWebhook);
    });

    it.each(EXAMPLES)('make the same of $id: $example.title', async ({ example }) => {
      const world = EXAMPLE_WORLDS.indexOf(JSON.stringify(worldOf(example)));
      const { native, webhook } = await sendBoth({ object: example.subject.object }, world);
      // The one thing that a policy does not see.
      const annotation = valueAt(example.context?.serviceAccount, [
        'metadata',
        'annotations',
        API_TOKEN_EXPIRATION_ANNOTATION,
      ]);
      if (annotation === undefined) expect(native).toBe(webhook);
      else expect(native).not.toBe(webhook);
    });

    it(`make the same of ${RUNS} generated objects`, { timeout: 3_600_000 }, async () => {
      const count = { all: 0, changed: 0 };
      await fc.assert(
        fc.asyncProperty(changed, fc.nat(GENERATED_WORLDS.length - 1), async (one, index) => {
          const isAccount = one.object['kind'] === 'ServiceAccount';
          const world = EXAMPLE_WORLDS.length + (isAccount ? GENERATED_WORLDS.length : 0) + index;
          const { native, webhook } = await sendBoth(one, world);
          expect(native).toBe(webhook);
          count.all += 1;
          if (webhook.includes('curfew.dev/mutated-by":')) count.changed += 1;
        }),
        { numRuns: RUNS },
      );
      console.log(`${count.all} objects, of which ${count.changed} were changed`);
      expect(count.changed).toBeGreaterThan(count.all / 4);
    });
  });
});

function account(name: string, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name } };
}

function worldOf({ subject, context = {} }: MutationExample): World {
  const metadata = (valueAt(context.namespace, ['metadata']) ?? {}) as JsonObject;
  const { name: _, ...rest } = metadata;
  const labels = { ...((metadata['labels'] ?? {}) as JsonObject), ...RESTRICTED };
  const own = typeof context.serviceAccount === 'object' ? context.serviceAccount : {};
  const isAccount = subject.object['kind'] === 'ServiceAccount';
  return {
    metadata: { ...rest, labels },
    ...(isAccount ? {} : { account: account('web', (own['metadata'] ?? {}) as JsonObject) }),
  };
}

async function makeWorld(name: string, { metadata, account: own }: World): Promise<void> {
  await cluster.store({ apiVersion: 'v1', kind: 'Namespace', metadata: { ...metadata, name } });
  if (own === undefined) return;
  const place = (object: JsonObject) => ({
    ...object,
    metadata: { ...(object['metadata'] as JsonObject), namespace: name },
  });
  for (const one of [own, account('ci'), account('default')]) await cluster.store(place(one));
  for (const one of ['runner', 'bound']) await cluster.store(place(pod(one)));
}

/** What each engine made of it, the names of its namespace and what the API server draws aside. */
async function sendBoth({ object, as }: Changed, world: number): Promise<Readonly<Record<Engine, string>>> {
  const [native, webhook] = await Promise.all(
    ENGINES.map(async (engine) => {
      const namespace = nameOf(engine, world);
      const metadata = { name: 'web', ...((object['metadata'] ?? {}) as JsonObject), namespace };
      const placed = { ...object, metadata };
      const path = pathOf(placed, namespace);
      const { status, body } = await api.send(object['kind'] === 'TokenRequest' ? path : `${path}?dryRun=All`, {
        method: 'POST',
        object: placed,
        as: { username: 'jane', groups: ['system:masters'], ...as },
      });
      return `${status} ${normalise(body, namespace)}`;
    }),
  );
  return { native: native ?? '', webhook: webhook ?? '' };
}

const DRAWN: readonly (readonly [RegExp, string])[] = [
  [/"uid":"[^"]*"/g, '"uid":"UID"'],
  [/(kube-api-access-)[a-z0-9]{5}\b/g, '$1xxxxx'],
  [/"(creationTimestamp|time|expirationTimestamp)":"[^"]*"/g, '"$1":"TIME"'],
  [/"token":"[^"]*"/g, '"token":"TOKEN"'],
];

function normalise(body: string, namespace: string): string {
  const asked = asString(valueAt(JSON.parse(body), ['metadata', 'namespace'])) ?? namespace;
  const named = body.replaceAll(new RegExp(`\\b${asked}\\b`, 'g'), 'NAMESPACE');
  return DRAWN.reduce((text, [from, to]) => text.replaceAll(from, to), named);
}
