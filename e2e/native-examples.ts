/** The worlds of examples on an API server that has policies in place of a webhook, and how each is sent to it. */

import type { Example } from '../src/checks/define-check.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import type { Subject } from '../src/objects/subject.ts';
import type { ApiClient } from './api-client.ts';
import { placeObject } from './example-case.ts';
import { pathOf, type Sent, sendNatively } from './native-policies.ts';
import { pod, type TestCluster, UNSEEN } from './test-cluster.ts';

type Made = { readonly name: string; readonly object: JsonObject };

export type Answered = {
  readonly sent: Sent;
  /** What was changed: controllers may have filled something in. */
  readonly stored?: JsonObject;
};

type Caller = { readonly username: string; readonly groups?: readonly string[] };

export type ExampleWorlds = {
  /** A namespace at the example's level, with the accounts that its objects name. */
  makeNamespace(example: Example): Promise<Made>;
  /** As a dry run, so that nothing is there for the next; what it changes is stored before. */
  send(example: Example, namespace: string): Promise<Answered>;
  makePod(name: string, namespace: string): Promise<void>;
};

export function placeSubject(subject: Subject, { name }: Made): Subject {
  const isElsewhere = subject.namespace === '' || subject.namespace === 'kube-system';
  return { ...subject, namespace: isElsewhere ? subject.namespace : name };
}

export function createExampleWorlds({
  cluster,
  api,
}: {
  readonly cluster: TestCluster;
  readonly api: ApiClient;
}): ExampleWorlds {
  let made = 0;

  async function makeNamespace({ level, context, subject }: Example): Promise<Made> {
    made += 1;
    const name = `native-${made}`;
    const annotations = (valueAt(context?.namespace, ['metadata', 'annotations']) ?? {}) as JsonObject;
    const labels = { 'curfew.dev/enforce': level, 'curfew.dev/warn': level };
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
    await cluster.store(object);
    for (const account of ['web', 'ci', 'default']) {
      if (subject.object['kind'] === 'ServiceAccount') continue;
      await cluster.store({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: name } });
    }
    return { name, object };
  }

  async function send({ subject }: Example, namespace: string): Promise<Answered> {
    const { object, oldObject, subresource, caller } = subject;
    const as = caller ?? { username: 'jane' };
    const placed = placeObject(object, namespace);
    const where = asString(valueAt(placed, ['metadata', 'namespace'])) ?? namespace;
    const path = pathOf(placed, where);
    if (object['kind'] === 'TokenRequest') {
      const bound = asString(valueAt(object, ['spec', 'boundObjectRef', 'name']));
      if (bound !== undefined) await makePod(bound, where);
      return { sent: await sendNatively(api, { method: 'POST', path, object: placed, as }) };
    }
    if (oldObject === undefined) {
      return { sent: await sendNatively(api, { method: 'POST', path: `${path}?dryRun=All`, object: placed, as }) };
    }
    const old = placeObject(oldObject, namespace);
    const one = `${path}/${asString(valueAt(placed, ['metadata', 'name'])) ?? ''}`;
    // A pod is never made with debug containers, and the API server fills in much of it.
    const { ephemeralContainers, ...spec } = (old['spec'] ?? {}) as JsonObject;
    await cluster.store(old['spec'] === undefined ? old : { ...old, spec });
    if (subresource !== 'ephemeralcontainers') {
      return await change(one, (stored) => ({ ...placed, metadata: versioned(placed, stored) }), as);
    }
    const withDebug = (containers: unknown) => (stored: JsonObject) =>
      ({ ...stored, spec: { ...(stored['spec'] as JsonObject), ephemeralContainers: containers } }) as JsonObject;
    const debug = `${one}/ephemeralcontainers`;
    if (ephemeralContainers !== undefined) {
      const stored = JSON.parse((await api.get(one)).body) as JsonObject;
      await api.send(debug, { method: 'PUT', object: withDebug(ephemeralContainers)(stored), as: UNSEEN });
    }
    const { sent } = await change(debug, withDebug(valueAt(object, ['spec', 'ephemeralContainers'])), as);
    return { sent };
  }

  /** Again, where a controller was faster. */
  async function change(path: string, edit: (stored: JsonObject) => JsonObject, as: Caller): Promise<Answered> {
    for (;;) {
      const stored = JSON.parse((await api.get(path.replace('/ephemeralcontainers', ''))).body) as JsonObject;
      const sent = await sendNatively(api, { method: 'PUT', path: `${path}?dryRun=All`, object: edit(stored), as });
      if (sent.status !== 409) return { sent, stored };
    }
  }

  async function makePod(name: string, namespace: string): Promise<void> {
    await cluster.store(placeObject(pod(name), namespace));
  }

  return { makeNamespace, send, makePod };
}

function versioned(object: JsonObject, stored: JsonObject): JsonObject {
  const resourceVersion = valueAt(stored, ['metadata', 'resourceVersion']) ?? null;
  return { ...(object['metadata'] as JsonObject), resourceVersion };
}
