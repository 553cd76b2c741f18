/** MutatingAdmissionPolicies of the mutations: one for each resource, so that their order is that of the catalogue. */

import { quoteCel } from '../checks/cel/cel-text.ts';
import { defaultVolumesCel, podBounds } from '../checks/cel/pod-tokens.ts';
import type { CelMutation } from '../mutations/cel/define-cel.ts';
import { CEL_MUTATIONS } from '../mutations/cel/registry.ts';
import type { Mutation } from '../mutations/define-mutation.ts';
import { ASKED_FOR } from '../mutations/define-mutation.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { formatResource } from '../objects/subject.ts';
import { MOST_NOTE_CHARACTERS, MUTATED_BY_ANNOTATION } from '../policy/labels.ts';
import { exemptionCel } from './exemptions.ts';
import { largeCel } from './findings.ts';
import { listMatchConditions, namespaceSelector } from './guards.ts';
import { isLabelledCel, levelCel } from './levels.ts';
import type { NativeOptions } from './native-options.ts';
import { toResourceRules, type Variable } from './targets.ts';
import { API_VERSION, LABELS } from './validating.ts';

/** MutatingAdmissionPolicies are on, and `v1`, from here (Kubernetes 1.36). */
export const FIRST_MINOR = 36;

type Group = { readonly resource: string; readonly mutations: (readonly [Mutation, CelMutation])[] };

/** None with `dryRun`: a policy can change or not, and reports nothing. None beside the webhook, which counts what it changes. */
export function renderMutations(options: NativeOptions): readonly JsonObject[] {
  if (options.configuration.dryRun || options.minor < FIRST_MINOR || options.engine === 'both') return [];
  return groupMutations(options).flatMap((group) => renderGroup(group, options));
}

function groupMutations({ configuration }: NativeOptions): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const mutation of MUTATIONS) {
    const form = CEL_MUTATIONS.get(mutation.id);
    const [reads] = mutation.reads;
    if (form === undefined || 'without' in form || reads === undefined) continue;
    if (settingOf(mutation, configuration).mode !== 'apply') continue;
    const { group, resource: name, subresource = '' } = reads;
    const resource = formatResource({ group, name, subresource });
    const found = groups.get(resource) ?? { resource, mutations: [] };
    found.mutations.push([mutation, form]);
    groups.set(resource, found);
  }
  return [...groups.values()];
}

function settingOf({ id, defaults }: Mutation, { mutations }: NativeOptions['configuration']) {
  return mutations.get(id) ?? { mode: 'apply' as const, options: defaults };
}

function renderGroup({ resource, mutations }: Group, options: NativeOptions): readonly JsonObject[] {
  const name = `${resource.replace('/', '-')}.mutate.curfew.dev`;
  const reads = mutations.flatMap(([mutation]) => mutation.reads).slice(0, 1);
  const isPods = resource === 'pods';
  const variables: readonly Variable[] = [
    { name: 'mutateLevel', expression: appliedLevelCel(options) },
    ...(isPods ? POD_VARIABLES : []),
  ];
  const policy = {
    apiVersion: API_VERSION,
    kind: 'MutatingAdmissionPolicy',
    metadata: { name, labels: LABELS },
    spec: {
      failurePolicy: isPods ? 'Fail' : 'Ignore',
      // Another policy or webhook may add a container, and with it the token volume.
      reinvocationPolicy: 'IfNeeded',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        namespaceSelector: namespaceSelector(options, { withSystem: false }),
        resourceRules: toResourceRules(reads),
      },
      matchConditions: listMatchConditions(reads),
      variables,
      mutations: mutations.map(([mutation, form]) => ({
        patchType: 'JSONPatch',
        jsonPatch: { expression: expressionOf(mutation, form, options) },
      })),
    },
  };
  const binding = {
    apiVersion: API_VERSION,
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name, labels: LABELS },
    spec: { policyName: name },
  };
  return [policy, binding];
}

const POD_VARIABLES: readonly Variable[] = [
  { name: 'account', expression: 'object.spec.?serviceAccountName.orValue("default")' },
  { name: 'defaultVolumes', expression: defaultVolumesCel('object.spec') },
  { name: 'large', expression: largeCel({ bounds: podBounds }, { spec: 'object.spec' }) },
];

/** What is only reported is not made: a label of the namespace means that it is applied. */
export function appliedLevelCel(options: NativeOptions): string {
  if (options.level !== undefined || options.configuration.mutateMode === 'apply') return levelCel('mutate', options);
  return `${isLabelledCel('mutate')} ? namespaceObject.metadata.labels["curfew.dev/mutate"] : "off"`;
}

function expressionOf(mutation: Mutation, form: CelMutation, options: NativeOptions): string {
  const { id, level, mends = '' } = mutation;
  const { configuration, cluster } = options;
  const patches = form.patches({
    options: settingOf(mutation, configuration).options,
    checkOptions: configuration.checks.get(mends)?.options ?? {},
    apiAudiences: cluster.apiAudiences,
    acceptApiAccessFrom: configuration.apiAccess.acceptFrom,
  });
  // What the webhook injects is its business; with `report`, it injects nothing.
  const injects = MUTATIONS.some((one) => one.injects !== undefined && settingOf(one, configuration).mode === 'apply');
  const condition = form.condition?.({ injects });
  const isOn =
    level === 'restricted' || level === ASKED_FOR
      ? 'variables.mutateLevel == "restricted"'
      : 'variables.mutateLevel != "off"';
  const exemption = exemptionCel(configuration.exemptions, {
    check: mends,
    reads: mutation.reads,
    account: mutation.reads.some(({ resource }) => resource === 'pods') ? 'variables.account' : undefined,
    isChanging: true,
    now: options.now,
  });
  // What no check of a policy judges is left as it is: the checks say so where they deny.
  const isSmall = mutation.reads.some(({ resource }) => resource === 'pods') ? ['variables.large == ""'] : [];
  const conditions = [
    isOn,
    ...isSmall,
    ...(condition === undefined ? [] : [condition]),
    ...(exemption === undefined ? [] : [`(${exemption}) == ""`]),
  ];
  // The list is made once, and with the note of who changed the object where it is not empty.
  return `${conditions.join(' && ')} ? [${patches}].map(p, size(p) == 0 ? p : p + ${noteCel(id)})[0] : []`;
}

/** As the webhook writes it: the ids of all that changed the object, each once (`noteChanges`). */
function noteCel(id: string): string {
  const key = quoteCel(MUTATED_BY_ANNOTATION);
  const path = `"/metadata/annotations/" + jsonpatch.escapeKey(${key})`;
  const before = `object.metadata.?annotations[?${key}].orValue("")`;
  const earlier = `(size(${before}) > ${MOST_NOTE_CHARACTERS} ? [] : ${before}.split(",").filter(n, n != ""))`;
  const value = `(${earlier} + [${quoteCel(id)}]).distinct().join(",")`;
  return `(has(object.metadata.annotations) ? [] : [JSONPatch{op: "add", path: "/metadata/annotations", value: Object.metadata.annotations{}}]) + [JSONPatch{op: "add", path: ${path}, value: ${value}}]`;
}
