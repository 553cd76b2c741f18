/**
 * What cleaning must know of a cluster: token Secrets, of which it asks for the metadata alone, and whatever may name one.
 * Pages are looked at and forgotten.
 */

import type { KubeClient } from '../kube/api.ts';
import { listAll } from '../kube/list-all.ts';
import { TOKEN_SECRETS } from '../kube/metadata.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import type { PodBearingKind } from '../objects/pod-spec.ts';
import { findPodSpecs, POD, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import { listNamedSecrets } from './named-secrets.ts';
import type { CleanupFacts, SecretUse } from './plan.ts';
import type { TokenSecret } from './token-secret.ts';
import { idOf, toTokenSecret } from './token-secret.ts';

export type ReadOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  /** All of them if it is undefined. */
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
};

export type ReadFacts = CleanupFacts & {
  /** What could not be read, a sentence each: then no guard can be relied on. */
  readonly faults: readonly string[];
};

/** Where the API server writes since when it notes uses (kubernetes, pkg/controlplane/controller/legacytokentracking). */
const TRACKING_PATH = '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking';

/** Of each kind of use: names are for people, and a Secret that a thousand pods mount is as well guarded by five of them. */
const MOST_USES = 5;

/** @throws the reason of `signal` alone */
export async function readFacts(options: ReadOptions): Promise<ReadFacts> {
  const reading: Reading = { ...options, faults: [] };
  const { faults } = reading;
  const secrets: TokenSecret[] = [];
  const tokenSecrets = { query: TOKEN_SECRETS.query, accept: TOKEN_SECRETS.listAccept };
  await readEach(reading, { ...toList(SECRET, options), ...tokenSecrets }, (raw) => {
    const secret = toTokenSecret(raw);
    if (secret !== undefined) secrets.push(secret);
  });
  if (secrets.length === 0) return { secrets, uses: new Map(), trackedSince: undefined, faults };
  return { secrets, uses: await readUses(reading, secrets), trackedSince: await readTrackedSince(reading), faults };
}

async function readUses(reading: Reading, secrets: readonly TokenSecret[]): Promise<CleanupFacts['uses']> {
  const uses = new Map<string, SecretUse[]>(secrets.map((secret) => [idOf(secret), []]));
  const accounts = new Map(secrets.map((secret) => [idOf(secret), secret.account]));
  const add = (id: string, use: SecretUse): void => {
    const known = uses.get(id);
    if (known !== undefined && known.filter(({ by }) => by === use.by).length < MOST_USES) known.push(use);
  };
  await readEach(reading, toList(ACCOUNT, reading), (account) => {
    const { namespace, name } = nameOf(account);
    const who = `ServiceAccount ${idOf({ namespace, name })}`;
    for (const secret of listNames(member(account, 'secrets'))) {
      const id = idOf({ namespace, name: secret });
      add(id, { by: accounts.get(id) === name ? 'own account' : 'account', who });
    }
    for (const secret of listNames(member(account, 'imagePullSecrets'))) {
      add(idOf({ namespace, name: secret }), { by: 'account', who });
    }
  });
  for (const kind of [POD, ...TEMPLATE_KINDS]) {
    await readEach(reading, toList(kind, reading), (object) => {
      const { namespace, name } = nameOf(object);
      const who = `${kind.kind} ${idOf({ namespace, name })}`;
      for (const secret of listSecretsOf(object, kind)) add(idOf({ namespace, name: secret }), { by: 'pod', who });
    });
  }
  return uses;
}

type List = Parameters<typeof listAll>[1];
type Reading = ReadOptions & { readonly faults: string[] };
type Listed = Pick<PodBearingKind, 'group' | 'versions' | 'resource'>;

const SECRET: Listed = { group: '', versions: ['v1'], resource: 'secrets' };
const ACCOUNT: Listed = { group: '', versions: ['v1'], resource: 'serviceaccounts' };

async function readEach(
  { client, signal, faults }: Reading,
  list: List,
  look: (object: JsonObject) => void,
): Promise<void> {
  try {
    for await (const page of listAll(client, list, signal)) page.filter(isObject).forEach(look);
  } catch (error) {
    signal.throwIfAborted();
    faults.push(describeError(error));
  }
}

function toList({ group, versions, resource }: Listed, { namespace }: Pick<ReadOptions, 'namespace'>): List {
  const base = group === '' ? `/api/${versions[0]}` : `/apis/${group}/${versions[0]}`;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  // Of a custom resource that is not installed there are none.
  return { path: `${base}${within}/${resource}`, isOptional: group.includes('.') };
}

function listSecretsOf(object: JsonObject, { group, kind, resource }: PodBearingKind): ReadonlySet<string> {
  const { namespace, name } = nameOf(object);
  const of = { group, name: resource, subresource: '' };
  const specs = findPodSpecs({ operation: 'CREATE', resource: of, kind, namespace, name, object });
  return new Set(specs.flatMap(({ spec }) => [...listNamedSecrets(spec)]));
}

function nameOf(object: JsonObject): { readonly namespace: string; readonly name: string } {
  const read = (key: string) => asString(valueAt(object, ['metadata', key])) ?? '';
  return { namespace: read('namespace'), name: read('name') };
}

/** Each once: an account may list a Secret many times. */
function listNames(references: JsonValue | undefined): ReadonlySet<string> {
  return new Set(asArray(references).flatMap((reference) => asString(member(reference, 'name')) ?? []));
}

/** Undefined where there is no such ConfigMap: then nothing that was never used counts as unused. */
async function readTrackedSince({ client, signal, faults }: Reading): Promise<string | undefined> {
  try {
    const response = await client.request({ method: 'GET', path: TRACKING_PATH, signal });
    if (response.status === 200) return asString(valueAt(response.body, ['data', 'since']));
    if (response.status !== 404) faults.push(`${TRACKING_PATH} cannot be read: ${describeResponse(response)}`);
  } catch (error) {
    signal.throwIfAborted();
    faults.push(describeError(error));
  }
  return undefined;
}
