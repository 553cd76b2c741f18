/** Reads what others have in the cluster: webhook configurations, and policies of whichever engine is installed. */

import { listAll } from '../kube/list-all.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import type { Lookup } from '../objects/views.ts';
import type { ForeignInjector, ForeignPolicy } from './foreign-parts.ts';
import { describeAdmissionPolicy, describeConstraint, describeKyverno, listInjectors } from './foreign-parts.ts';
import type { ClusterFault, ClusterOptions } from './read-cluster.ts';

export type ForeignReading = {
  readonly injectors: readonly ForeignInjector[];
  readonly policies: readonly ForeignPolicy[];
  /** Names of the MutatingWebhookConfigurations, but for Curfew's own. */
  readonly mutatingWebhooks: Lookup<readonly string[]>;
  /** Curfew's own ValidatingWebhookConfiguration; undefined if there is none, or that is not known. */
  readonly ownValidating: JsonValue | undefined;
  /** False if webhook configurations or policies could not be listed. */
  readonly isWhole: boolean;
  /** API groups that are installed; undefined if that could not be asked. */
  readonly groups: ReadonlyMap<string, string> | undefined;
};

const ADMISSION = 'admissionregistration.k8s.io';
const WEBHOOKS = `/apis/${ADMISSION}/v1`;
const KYVERNO_GROUPS = ['kyverno.io', 'policies.kyverno.io'];
/** Kinds of these groups that are policies. */
const KYVERNO_POLICY =
  /^(Cluster)?(Namespaced)?(Cleanup|Validating|Mutating|Generating|Deleting|ImageValidating)?Policy$/;
const TEMPLATES = 'templates.gatekeeper.sh';
const CONSTRAINTS = 'constraints.gatekeeper.sh';
/** More kinds of constraints than any library has. */
const MOST_KINDS = 200;

export type ForeignOptions = Pick<ClusterOptions, 'client' | 'namespace' | 'signal'> & {
  /** The name of Curfew's own webhook configurations. */
  readonly own: string;
};

type Reader = {
  readonly list: (path: string) => Promise<readonly JsonValue[]>;
  readonly get: (path: string) => Promise<unknown>;
  readonly hasFailed: () => boolean;
};

export async function readForeign(options: ForeignOptions, faults: ClusterFault[]): Promise<ForeignReading> {
  const reader = createReader(options, faults);
  const { mutating, mutatingWebhooks } = await readMutating(reader, options);
  const validating = await reader.list(`${WEBHOOKS}/validatingwebhookconfigurations`);
  const groups = toGroups(await reader.get('/apis'));
  // Nothing is judged by the policies of others: what cannot be listed of them is said in their section.
  const others = createReader(options, []);
  const policies = groups === undefined ? [] : await readPolicies(others, groups);
  return {
    injectors: mutating.filter((one) => nameOf(one) !== options.own).flatMap(listInjectors),
    policies,
    mutatingWebhooks,
    ownValidating: validating.find((one) => nameOf(one) === options.own),
    isWhole: !reader.hasFailed() && !others.hasFailed(),
    groups,
  };
}

/** Of all that others have, what objects are judged by. */
export async function readMutatingWebhooks(
  options: ForeignOptions,
  faults: ClusterFault[],
): Promise<ForeignReading['mutatingWebhooks']> {
  return (await readMutating(createReader(options, faults), options)).mutatingWebhooks;
}

type Mutating = Pick<ForeignReading, 'mutatingWebhooks'> & { readonly mutating: readonly JsonValue[] };

/** By a reader that has asked for nothing yet. */
async function readMutating(reader: Reader, { own }: ForeignOptions): Promise<Mutating> {
  const mutating = await reader.list(`${WEBHOOKS}/mutatingwebhookconfigurations`);
  if (reader.hasFailed()) {
    const why = 'webhook configurations cannot be listed';
    return { mutating, mutatingWebhooks: { state: 'unknown', why, isFinal: true } };
  }
  const names = mutating.map(nameOf).filter((name) => name !== own);
  return { mutating, mutatingWebhooks: { state: 'found', value: names } };
}

/** Of a namespace alone it is no fault that the cluster's own objects cannot be listed; what is not known is said so. */
function createReader({ client, namespace, signal }: ForeignOptions, faults: ClusterFault[]): Reader {
  let hasFailed = false;
  const fail = (error: unknown): void => {
    signal.throwIfAborted();
    hasFailed = true;
    if (namespace === undefined) faults.push({ message: describeError(error) });
  };
  return {
    hasFailed: () => hasFailed,
    async list(path) {
      const items: JsonValue[] = [];
      try {
        for await (const page of listAll(client, { path, isOptional: true }, signal)) items.push(...page);
      } catch (error) {
        fail(error);
      }
      return items;
    },
    async get(path) {
      try {
        const response = await client.request({ method: 'GET', path, signal });
        if (response.status === 200) return response.body;
        throw new Error(`${path} cannot be read: ${describeResponse(response)}`);
      } catch (error) {
        fail(error);
        return undefined;
      }
    },
  };
}

/** The preferred version of each group, `GROUP/VERSION`. */
function toGroups(body: unknown): ReadonlyMap<string, string> | undefined {
  if (!isObject(body)) return undefined;
  return new Map(
    asArray(member(body, 'groups')).flatMap((group) => {
      const name = asString(member(group, 'name'));
      const version = asString(valueAt(group, ['preferredVersion', 'groupVersion']));
      return name === undefined || version === undefined ? [] : [[name, version] as const];
    }),
  );
}

async function readPolicies(reader: Reader, groups: ReadonlyMap<string, string>): Promise<readonly ForeignPolicy[]> {
  const found: (ForeignPolicy | undefined)[] = [];
  for (const kind of ['validating', 'mutating'] as const)
    found.push(...(await readAdmissionPolicies(reader, groups, kind)));
  for (const name of KYVERNO_GROUPS) {
    const version = groups.get(name);
    if (version === undefined) continue;
    for (const { kind, resource } of await listResources(reader, version)) {
      if (!KYVERNO_POLICY.test(kind)) continue;
      found.push(...(await reader.list(`/apis/${version}/${resource}`)).map((policy) => describeKyverno(kind, policy)));
    }
  }
  found.push(...(await readConstraints(reader, groups)));
  return found.filter((policy) => policy !== undefined);
}

/** MutatingAdmissionPolicy is not in the preferred version of its group everywhere (beta in 1.34 and 1.35). */
async function readAdmissionPolicies(
  reader: Reader,
  groups: ReadonlyMap<string, string>,
  kind: 'validating' | 'mutating',
): Promise<readonly (ForeignPolicy | undefined)[]> {
  if (!groups.has(ADMISSION)) return [];
  for (const version of kind === 'validating' ? ['v1'] : ['v1', 'v1beta1']) {
    const policies = await reader.list(`/apis/${ADMISSION}/${version}/${kind}admissionpolicies`);
    if (policies.length === 0) continue;
    const bindings = await reader.list(`/apis/${ADMISSION}/${version}/${kind}admissionpolicybindings`);
    return policies.map((policy) => {
      const own = bindings.filter((binding) => valueAt(binding, ['spec', 'policyName']) === nameOf(policy));
      const actions = own.flatMap((binding) =>
        kind === 'mutating' ? ['apply'] : asArray(valueAt(binding, ['spec', 'validationActions'])).map(asString),
      );
      const said = [...new Set(actions)].filter((action) => action !== undefined);
      return describeAdmissionPolicy(`${kind}-admission-policy`, policy, said);
    });
  }
  return [];
}

async function readConstraints(
  reader: Reader,
  groups: ReadonlyMap<string, string>,
): Promise<readonly (ForeignPolicy | undefined)[]> {
  const [templates, constraints] = [groups.get(TEMPLATES), groups.get(CONSTRAINTS)];
  if (templates === undefined || constraints === undefined) return [];
  const byKind = new Map(
    (await reader.list(`/apis/${templates}/constrainttemplates`)).map((template) => [
      asString(valueAt(template, ['spec', 'crd', 'spec', 'names', 'kind'])) ?? '',
      template,
    ]),
  );
  const found: (ForeignPolicy | undefined)[] = [];
  for (const { kind, resource } of (await listResources(reader, constraints)).slice(0, MOST_KINDS)) {
    const all = await reader.list(`/apis/${constraints}/${resource}`);
    found.push(...all.map((constraint) => describeConstraint(kind, constraint, byKind.get(kind))));
  }
  return found;
}

/** Resources of a group and version, without subresources. */
async function listResources(
  reader: Reader,
  version: string,
): Promise<readonly { readonly kind: string; readonly resource: string }[]> {
  return asArray(member(await reader.get(`/apis/${version}`), 'resources')).flatMap((one) => {
    const [kind, resource] = [asString(member(one, 'kind')), asString(member(one, 'name'))];
    return kind === undefined || resource === undefined || resource.includes('/') ? [] : [{ kind, resource }];
  });
}

function nameOf(object: JsonValue): string {
  return asString(valueAt(object, ['metadata', 'name'])) ?? '';
}
