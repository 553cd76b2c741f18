/** One example of a check on a real API server: what must be there before, how it is sent, what the answer must be. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Check, Example } from '../src/checks/define-check.ts';
import { asString, type JsonObject, member, stringMembers, valueAt } from '../src/objects/json.ts';
import { findKind } from '../src/objects/kinds.ts';
import type { Caller } from './api-client.ts';
import type { TestCluster } from './test-cluster.ts';
import { pod, tokenSecret, UNSEEN } from './test-cluster.ts';

/** Of sending an object again, each after 100 ms. */
const MOST_TRIES = 50;

/** Service accounts that examples name beside the one they bring. */
const OTHER_ACCOUNTS = ['ci', 'admin'];

export type ExampleCase = { readonly check: Check; readonly example: Example };

export type Answer = { readonly code: number; readonly stderr: string };

/** What was there, and what was sent: manifests that say it all. */
export type Sent = Answer & { readonly manifests: readonly JsonObject[] };

/**
 * Makes what the example's world needs, and sends its object. Nothing of it stays but the objects it updates. The index
 * of token Secrets hears of one some milliseconds after it was made, so where it counts the object is sent again.
 */
export async function sendExample(cluster: TestCluster, one: ExampleCase): Promise<Sent> {
  const { send, manifests } = await prepareExample(cluster, one);
  let answer = await send();
  if (typeof one.example.context?.tokenSecrets !== 'object') return { ...answer, manifests };
  for (let tries = 0; tries < MOST_TRIES && !isAsExpected(one, answer); tries += 1) {
    await sleep(100);
    answer = await send();
  }
  return { ...answer, manifests };
}

type Prepared = { readonly send: () => Promise<Answer>; readonly manifests: readonly JsonObject[] };

async function prepareExample(cluster: TestCluster, one: ExampleCase): Promise<Prepared> {
  const world = await createWorld(cluster, one.example);
  const send = await prepareSending(cluster, one, world.namespace);
  return { send, manifests: [...world.manifests, placeObject(one.example.subject.object, world.namespace)] };
}

async function prepareSending(
  cluster: TestCluster,
  { example }: ExampleCase,
  namespace: string,
): Promise<() => Promise<Answer>> {
  const { subject } = example;
  const place = (object: JsonObject) => placeObject(object, namespace);
  const object = place(subject.object);
  const caller = subject.caller ?? { username: 'jane' };
  const send = async (args: readonly string[], body: JsonObject) => {
    return await cluster.kubectl.run([...args, ...impersonate(caller)], { input: JSON.stringify(body) });
  };

  if (asString(object['kind']) === 'TokenRequest') {
    const account = asString(valueAt(object, ['metadata', 'name'])) ?? '';
    const bound = valueAt(object, ['spec', 'boundObjectRef']);
    // The API server binds a token to a pod only if the pod is there and runs as the account.
    if (member(bound, 'kind') === 'Pod') {
      await cluster.store(place(pod(asString(member(bound, 'name')) ?? '', { serviceAccountName: account })));
    }
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    return async () => await send(['create', '--raw', path, '-f', '-'], object);
  }
  if (subject.operation !== 'UPDATE') {
    return async () => await send(['create', '-f', '-', '--dry-run=server'], object);
  }

  const old = place(subject.oldObject ?? {});
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  if (subject.subresource === 'ephemeralcontainers') {
    // A pod is never made with them; those that the old one has are added as the new ones are.
    const { ephemeralContainers, ...spec } = (old['spec'] ?? {}) as JsonObject;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/ephemeralcontainers`;
    await cluster.store({ ...old, spec });
    if (ephemeralContainers !== undefined) {
      await cluster.must(['replace', '--raw', path, '-f', '-', ...impersonate(UNSEEN)], old);
    }
    return async () => await send(['replace', '--raw', `${path}?dryRun=All`, '-f', '-'], object);
  }
  await cluster.store(old);
  // A merge patch: what controllers filled in meanwhile stays, as with `kubectl apply`.
  const kind = asString(object['kind']) ?? '';
  const where = isClusterScoped(object)
    ? []
    : ['--namespace', asString(valueAt(object, ['metadata', 'namespace'])) ?? ''];
  const args = ['patch', kind, name, ...where, '--type=merge', '--dry-run=server', '-p', JSON.stringify(object)];
  return async () => await send(args, object);
}

/**
 * What the answer must be. Every check is on, so another one may refuse what this one allows: its name must not be
 * there, and the API server must have taken the object for a valid one.
 */
export function isAsExpected({ check, example }: ExampleCase, { code, stderr }: Answer): boolean {
  const isJudged = code === 0 || stderr.includes('denied the request');
  switch (example.expect) {
    case 'allowed':
      return isJudged && !stderr.includes(check.id);
    case 'undecided':
      return isJudged && stderr.includes(`Warning: curfew ${check.id}: not judged: `);
    default:
      // An update is refused for what it adds; one that adds nothing is warned about.
      return addsNothing(example)
        ? isJudged && stderr.includes(`Warning: curfew ${check.id}: `)
        : code !== 0 && stderr.includes(`  ${check.id} at /`);
  }
}

function addsNothing({ subject }: Example): boolean {
  return subject.oldObject !== undefined && JSON.stringify(subject.oldObject) === JSON.stringify(subject.object);
}

/** A namespace at the example's level, with the accounts and token Secrets that the example says are there. */
async function createWorld(
  cluster: TestCluster,
  { level, context = {}, subject }: Example,
): Promise<{ readonly namespace: string; readonly manifests: readonly JsonObject[] }> {
  const { serviceAccount, tokenSecrets } = context;
  const isAccount = subject.object['kind'] === 'ServiceAccount';
  const metadata = (valueAt(context.namespace, ['metadata']) ?? {}) as JsonObject;
  // Warned about at the same level: what a higher one would say is none of the example's business.
  const labels = { 'curfew.dev/enforce': level, 'curfew.dev/warn': level };
  const namespace = await cluster.createNamespace(labels, { metadata, withoutAccount: true });
  const brought = valueAt(serviceAccount, ['metadata', 'name']);
  const names = [...OTHER_ACCOUNTS, ...(serviceAccount === undefined && !isAccount ? ['web'] : [])].filter(
    (name) => name !== brought,
  );
  const accounts = [
    ...names.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })),
    ...(typeof serviceAccount === 'object' ? [serviceAccount] : []),
  ];
  const secrets = typeof tokenSecrets === 'object' ? Object.entries(tokenSecrets) : [];
  const place = (item: JsonObject) => placeObject(item, namespace);
  const placedAccounts = accounts.map(place);
  const placedSecrets = secrets.map(([name, account]) => place(tokenSecret(name, account)));
  await Promise.all(placedAccounts.map(async (item) => await cluster.store(item)));
  // After them: the token controller deletes the Secret of an account that is not there.
  await Promise.all(placedSecrets.map(async (item) => await cluster.store(item)));
  const placed = { ...metadata, name: namespace, labels: { ...stringsAt(metadata, 'labels'), ...labels } };
  const there = [
    ...placedAccounts,
    ...placedSecrets,
    ...(brought === 'default' ? [] : [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }]),
    // With the index it is known that a Secret which is not there holds no token.
    ...(tokenSecrets === 'unknown' ? [] : [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'database' } }]),
  ].map(place);
  return { namespace, manifests: [{ apiVersion: 'v1', kind: 'Namespace', metadata: placed }, ...there] };
}

function stringsAt(metadata: JsonObject, key: string): Readonly<Record<string, string>> {
  return Object.fromEntries(stringMembers(member(metadata, key)));
}

/** With every right, so that only Curfew can refuse. */
function impersonate({ username, groups = [] }: Caller): readonly string[] {
  return [`--as=${username}`, ...['system:masters', ...groups].map((group) => `--as-group=${group}`)];
}

/** Into the test's namespace; kube-system is meant as it stands, and what is in no namespace gets a name of its own. */
export function placeObject(object: JsonObject, namespace: string): JsonObject {
  const metadata = (valueAt(object, ['metadata']) ?? {}) as JsonObject;
  if (metadata['namespace'] === 'kube-system') return object;
  if (!isClusterScoped(object)) return { ...object, metadata: { ...metadata, namespace } };
  return { ...object, metadata: { ...metadata, name: `${asString(metadata['name']) ?? ''}-${namespace}` } };
}

/** True for kinds that are in no namespace. */
export function isClusterScoped(object: JsonObject): boolean {
  return findKind(asString(object['apiVersion']) ?? '', asString(object['kind']) ?? '')?.scope === 'Cluster';
}
