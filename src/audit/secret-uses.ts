/** Who refers to the token Secrets of a cluster: pods and templates that mount or read them, accounts that list them. */

import { listContainers } from '../objects/containers.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { findPodSpecs } from '../objects/pod-spec.ts';
import type { SecretReference } from '../objects/secret-references.ts';
import { listSecretReferences } from '../objects/secret-references.ts';
import type { Subject } from '../objects/subject.ts';
import { joinNames, toOneLine } from '../objects/text.ts';
import type { SecretUse } from './long-lived-secrets.ts';

export type SecretUses = {
  /** By `NAMESPACE/SECRET`; of each at most {@link MOST_USES}. */
  readonly uses: Map<string, SecretUse[]>;
  /** `NAMESPACE/SECRET` of those that an account lists in `.secrets`. */
  readonly listed: Set<string>;
  /** Those to which a pod refers in whatever way, also for the CA bundle alone: the in-tree cleaner leaves them. */
  readonly inPods: Set<string>;
};

export const MOST_USES = 100;

export function createSecretUses(): SecretUses {
  return { uses: new Map(), listed: new Set(), inPods: new Set() };
}

/** @param isToken - true of a token Secret of the account's namespace */
export function addAccountUses(uses: SecretUses, account: Subject, isToken: (secret: string) => boolean): void {
  for (const [field, how] of [
    ['secrets', 'listed in .secrets'],
    ['imagePullSecrets', 'listed in .imagePullSecrets'],
  ] as const) {
    for (const entry of asArray(member(account.object, field))) {
      const secret = asString(member(entry, 'name'));
      if (secret === undefined || !isToken(secret)) continue;
      if (field === 'secrets') uses.listed.add(toKey(account.namespace, secret));
      addUse(uses, account, { secret: secret, how: how });
    }
  }
}

/** Of a pod or a template, with one entry for each Secret and way of reading it. */
export function addPodUses(uses: SecretUses, subject: Subject, isToken: (secret: string) => boolean): void {
  for (const { spec } of findPodSpecs(subject)) {
    for (const reference of listSecretReferences(spec)) {
      if (isToken(reference.secret)) addUse(uses, subject, { secret: reference.secret, how: describe(reference) });
    }
  }
}

/** Of a pod, ended or not, whoever made it. */
export function addPodMentions({ inPods }: SecretUses, pod: Subject, isToken: (secret: string) => boolean): void {
  const spec = member(pod.object, 'spec');
  if (!isObject(spec)) return;
  for (const secret of listMentions(spec)) if (isToken(secret)) inPods.add(toKey(pod.namespace, secret));
}

export function toKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

type Use = { readonly secret: string; readonly how: string };

function addUse({ uses }: SecretUses, { kind, namespace, name }: Subject, { secret, how }: Use): void {
  const key = toKey(namespace, secret);
  const known = uses.get(key) ?? [];
  uses.set(key, known);
  const isKnown = known.some((use) => use.kind === kind && use.name === name && use.how === how);
  if (!isKnown && known.length < MOST_USES) known.push({ kind, namespace, name, how });
}

function describe(reference: SecretReference): string {
  switch (reference.by) {
    case 'volume':
      return reference.containers.length === 0
        ? toOneLine(`in volume ${reference.volume}, which no container mounts`)
        : toOneLine(`mounted as volume ${reference.volume} in ${joinNames('container', reference.containers)}`);
    case 'env':
      return toOneLine(`in variable ${reference.variable} of container ${reference.container}`);
    case 'envFrom':
      return toOneLine(`in variables of container ${reference.container} (envFrom)`);
  }
}

/** As the cleaner sees it: volumes, variables, image pulls, with whatever keys (pkg/api/v1/pod, VisitPodSecretNames). */
function listMentions(spec: JsonObject): readonly string[] {
  const volumes = asArray(member(spec, 'volumes')).flatMap((volume) => [
    valueAt(volume, ['secret', 'secretName']),
    ...asArray(valueAt(volume, ['projected', 'sources'])).map((source) => valueAt(source, ['secret', 'name'])),
  ]);
  const variables = listContainers(spec).flatMap(({ container }) => [
    ...asArray(member(container, 'env')).map((one) => valueAt(one, ['valueFrom', 'secretKeyRef', 'name'])),
    ...asArray(member(container, 'envFrom')).map((one) => valueAt(one, ['secretRef', 'name'])),
  ]);
  const pulls = asArray(member(spec, 'imagePullSecrets')).map((one) => member(one, 'name'));
  return [...volumes, ...variables, ...pulls].filter((name) => typeof name === 'string');
}
