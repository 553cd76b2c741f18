/** What a policy is about: the requests it matches, and where in CEL it looks. */

import type { CelForm, CelPlace } from '../checks/cel/define-cel.ts';
import { defaultVolumesCel, volumesCel } from '../checks/cel/pod-tokens.ts';
import type { Check } from '../checks/define-check.ts';
import type { JsonObject } from '../objects/json.ts';
import { KINDS } from '../objects/kinds.ts';
import { POD } from '../objects/pod-spec.ts';
import type { Reads } from '../objects/rule-context.ts';

export type Target = {
  /** In the policy's name: `token-lifetime-templates`. */
  readonly name: string;
  readonly form: CelForm;
  readonly reads: readonly Reads[];
  readonly isTemplates: boolean;
  readonly hasUpdates: boolean;
  /** True for what kubelets ask for, and nobody else. */
  readonly isForNodes?: true;
};

/** A form for pods is written twice: once with the API server's types, and once for all the templates there are. */
export function listTargets(check: Check, form: CelForm): readonly Target[] {
  const reads = check.reads.filter((one) => form.isFor?.(one) ?? true);
  const name = [check.id, ...(form.part === undefined ? [] : [form.part])].join('-');
  const toTarget = (some: readonly Reads[], end: string): Target => ({
    name: `${name}${end}`,
    form,
    reads: some,
    isTemplates: end !== '',
    hasUpdates: some.some(({ operations }) => operations.some((operation) => operation === 'UPDATE')),
  });
  if (form.isForPods !== true) return [toTarget(reads, '')];
  const isPods = ({ group, resource }: Reads) => group === POD.group && resource === POD.resource;
  const templates = reads.filter((one) => !isPods(one) && !SEVERAL_PODS.has(one.resource));
  return [toTarget(reads.filter(isPods), ''), toTarget(templates, '-templates')];
}

/** Kinds with more than one pod spec; CEL cannot join lists of lists of lists. */
export const SEVERAL_PODS: ReadonlySet<string> = new Set(['leaderworkersets', 'jobsets']);

const UNLISTED = { versions: ['v1'], scope: 'Namespaced' } as const;

/** `resourceRules`: those with the same operations and versions together. */
export function toResourceRules(reads: readonly Reads[]): readonly JsonObject[] {
  const rules = new Map<string, { readonly rule: JsonObject; readonly resources: string[] }>();
  for (const { group, resource, subresource, operations } of reads) {
    const { versions, scope } = KINDS.find((one) => one.group === group && one.resource === resource) ?? UNLISTED;
    const rule: JsonObject = { apiGroups: [group], apiVersions: versions, operations, scope };
    const key = JSON.stringify(rule);
    const found = rules.get(key) ?? { rule, resources: [] };
    found.resources.push(subresource === undefined ? resource : `${resource}/${subresource}`);
    rules.set(key, found);
  }
  return [...rules.values()].map(({ rule, resources }) => ({ ...rule, resources }));
}

export type Variable = { readonly name: string; readonly expression: string };

/** Variables by which a form finds its way in the object, or in the one that was stored. */
export function listPlaceVariables({ form, reads, isTemplates }: Target, isOld: boolean): readonly Variable[] {
  const isAboutPods = form.isForPods === true || reads.some(({ resource }) => resource === POD.resource);
  if (!isAboutPods) return [];
  const object = isOld ? 'oldObject' : 'object';
  const name = (text: string) => (isOld ? `old${text.charAt(0).toUpperCase()}${text.slice(1)}` : text);
  const spec = `variables.${name('spec')}`;
  const account = `${spec}.?serviceAccountName.orValue("") != "" ? ${spec}.serviceAccountName : ${spec}.?serviceAccount.orValue("") != "" ? ${spec}.serviceAccount : "default"`;
  return [
    { name: name('spec'), expression: isTemplates ? templateSpecCel(object) : `${object}.spec` },
    ...(isOld ? [] : [{ name: 'specPath', expression: isTemplates ? TEMPLATE_PATH : '"/spec"' }]),
    { name: name('account'), expression: account },
    { name: name('defaultVolumes'), expression: defaultVolumesCel(spec) },
    { name: name('volumeNames'), expression: `${volumesCel(spec)}.map(v, v.?name.orValue(""))` },
  ];
}

export function toPlace({ form, reads }: Target, level: string, isOld: boolean): CelPlace {
  const isAboutPods = form.isForPods === true || reads.some(({ resource }) => resource === POD.resource);
  const name = (text: string) => `variables.${isOld ? `old${text.charAt(0).toUpperCase()}${text.slice(1)}` : text}`;
  return {
    object: isOld ? 'oldObject' : 'object',
    spec: isAboutPods ? name('spec') : '',
    specPath: isAboutPods ? 'variables.specPath' : '',
    account: isAboutPods ? name('account') : '',
    defaultVolumes: isAboutPods ? name('defaultVolumes') : '',
    volumeNames: isAboutPods ? name('volumeNames') : '',
    level,
    isOld,
    own: name,
  };
}

const RESOURCE = 'request.resource.resource';

/** The kinds have different types, so the API server's types end here. */
function templateSpecCel(object: string): string {
  return [
    `${RESOURCE} == "cronjobs" ? dyn(${object}).?spec.?jobTemplate.?spec.?template.?spec.orValue({})`,
    `${RESOURCE} == "podtemplates" ? dyn(${object}).?template.?spec.orValue({})`,
    `${RESOURCE} == "revisions" ? dyn(${object}).?spec.orValue({})`,
    `dyn(${object}).?spec.?template.?spec.orValue({})`,
  ].join(' : ');
}

const TEMPLATE_PATH = [
  `${RESOURCE} == "cronjobs" ? "/spec/jobTemplate/spec/template/spec"`,
  `${RESOURCE} == "podtemplates" ? "/template/spec"`,
  `${RESOURCE} == "revisions" ? "/spec"`,
  '"/spec/template/spec"',
].join(' : ');
