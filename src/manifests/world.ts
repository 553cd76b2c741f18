/** What manifests say of one another: the namespaces, service accounts and token Secrets that they make. */

import { asString, member, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import type { Lookup, NamespaceView, ServiceAccountView, TokenSecretView } from '../objects/views.ts';
import { TOKEN_SECRET_TYPE, toNamespaceView, toServiceAccountView, toTokenSecretView } from '../objects/views.ts';

export type World = {
  namespace(name: string): Lookup<NamespaceView>;
  serviceAccount(namespace: string, name: string): Lookup<ServiceAccountView>;
  /** Of a Secret among the manifests; of any other, nobody knows. */
  tokenSecret(namespace: string, name: string): Lookup<TokenSecretView>;
};

const ABSENT = { state: 'absent' } as const;

/** Trying again is of no use, so that a token which it may ask for is no reason to refuse a pod. */
export const NOT_HERE = { state: 'unknown', why: 'it is not among the manifests', isFinal: true } as const;

export type WorldOptions = {
  /** Labels and annotations that rules read, beside Curfew's own. */
  readonly keys: ReadonlySet<string>;
  /** True of a whole cluster: what is not among the subjects does not exist. */
  readonly isWhole?: boolean;
};

/** The world in which `subjects` are judged. */
export function createWorld(subjects: readonly Subject[], { keys, isWhole = false }: WorldOptions): World {
  const missing = isWhole ? ABSENT : NOT_HERE;
  const namespaces = new Map<string, Lookup<NamespaceView>>();
  const accounts = new Map<string, Lookup<ServiceAccountView>>();
  const secrets = new Map<string, Lookup<TokenSecretView>>();
  for (const { resource, namespace, name, object } of subjects) {
    if (resource.group !== '') continue;
    const id = toId(namespace, name);
    // The namespace of the command line is the object's where it names none.
    const placed = { ...object, metadata: { ...(member(object, 'metadata') as object | undefined), namespace } };
    if (resource.name === 'namespaces') add(namespaces, name, toNamespaceView(object, keys));
    if (resource.name === 'serviceaccounts') add(accounts, id, toServiceAccountView(placed, keys));
    if (resource.name !== 'secrets') continue;
    const isToken = asString(valueAt(object, ['type'])) === TOKEN_SECRET_TYPE;
    if (isToken) add(secrets, id, toTokenSecretView(placed));
    else secrets.set(id, secrets.get(id) ?? { state: 'absent' });
  }
  return {
    namespace: (name) => namespaces.get(name) ?? missing,
    serviceAccount: (namespace, name) => accounts.get(toId(namespace, name)) ?? missing,
    tokenSecret: (namespace, name) => secrets.get(toId(namespace, name)) ?? missing,
  };
}

/** Two manifests of one object, as for two environments, that differ in what counts are no knowledge. */
function add<View>(lookups: Map<string, Lookup<View>>, id: string, value: View | undefined): void {
  if (value === undefined) return;
  const known = lookups.get(id);
  const isSame = known === undefined || (known.state === 'found' && toText(known.value) === toText(value));
  lookups.set(id, isSame ? { state: 'found', value } : { state: 'unknown', why: 'it is there twice, and differs' });
}

function toText(view: unknown): string {
  return JSON.stringify(view, (_key, value: unknown) =>
    value instanceof Map ? [...value].map((entry) => JSON.stringify(entry)).toSorted() : value,
  );
}

/** No name has a slash in it. */
function toId(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
