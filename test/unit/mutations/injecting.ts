/** A pod on its way through the engine with tokens asked for, as in the server. */

import { mutate, toMutationVerdict } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { examplePod } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { valueAt } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { toNamespaceView } from '../../../src/objects/views.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { account, configure, contextOf, type Setting } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

export type World = Setting & {
  readonly onAccount?: JsonObject;
  readonly onNamespace?: JsonObject;
  readonly namespaceLabels?: JsonObject;
  /** The request's namespace, if it is not the pod's. */
  readonly in?: string;
};

/** A pod without the API token that asks for these tokens: `{ vault: '{audience: vault}' }`. */
export function asking(tokens: Readonly<Record<string, string>>, spec: JsonObject = {}, metadata: JsonObject = {}) {
  const annotations = Object.fromEntries(
    Object.entries(tokens).map(([name, value]) => [`tokens.curfew.dev/${name}`, value]),
  );
  const own = (metadata['annotations'] ?? {}) as JsonObject;
  return {
    ...examplePod({ automountServiceAccountToken: false, ...spec }),
    metadata: { name: 'web', namespace: 'shop', ...metadata, annotations: { ...own, ...annotations } },
  };
}

/** What the API server is told about this pod. */
export function inject(pod: JsonObject, world: World = {}) {
  const subject: Subject = { ...subjectOf('pods', pod), ...(world.in === undefined ? {} : { namespace: world.in }) };
  const configuration = configure(world.configuration);
  const namespace = toNamespaceView({
    metadata: { name: 'shop', annotations: world.onNamespace ?? {}, labels: world.namespaceLabels ?? {} },
  });
  if (namespace === undefined) throw new Error('the namespace has a name');
  const context = contextOf(subject, {
    serviceAccount: account({}, world.onAccount ?? {}),
    ...world,
    context: { namespace: { state: 'found', value: namespace }, ...world.context },
  });
  const outcome = mutate(subject, {
    mutations: MUTATIONS,
    configuration,
    scope: scopeOf(configuration, subject, ''),
    levels: effectiveLevels(configuration, subject.namespace, context.namespace),
    context,
  });
  const verdict = toMutationVerdict(subject, outcome, []);
  return {
    ...verdict,
    denial: verdict.denial ?? '',
    object: outcome.object,
    at: (...path: readonly (string | number)[]) => valueAt(outcome.object, path),
  };
}
