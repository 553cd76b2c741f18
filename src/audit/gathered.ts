/** What an audit remembers of the objects that pass by: names, numbers and what is bound to whom; no object. */

import { foreseeTokens } from '../manifests/foresee-tokens.ts';
import type { JudgeManifestOptions } from '../manifests/judge-manifest.ts';
import { judgeManifest } from '../manifests/judge-manifest.ts';
import type { World } from '../manifests/world.ts';
import { listContainers } from '../objects/containers.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { findPodSpecs, isPod, isPodTemplate } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import type { Configuration } from '../policy/configuration.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../policy/configuration.ts';
import { SYSTEM_NAMESPACE } from '../policy/scope.ts';
import { createAccessBook, noteAccess } from './access-book.ts';
import { addLivePod, createLivePods } from './live-pods.ts';
import { createOwnerBook } from './owners.ts';
import { hasEnded, isBuiltIn, isMade } from './read-cluster.ts';
import { nameWorkload } from './restarts.ts';
import { addBinding, addRole, createRightsBook } from './rights-book.ts';
import type { ScoredObject, ScoreFacts } from './score-facts.ts';
import { addAccountUses, addPodMentions, addPodUses, createSecretUses } from './secret-uses.ts';

export type Gathered = ReturnType<typeof createGathered>;

export function createGathered() {
  return {
    pods: createLivePods(),
    owners: createOwnerBook(),
    uses: createSecretUses(),
    rights: createRightsBook(),
    access: createAccessBook(),
    /** As `RestartFacts.onDelete`. */
    onDelete: new Set<string>(),
    /** UIDs of accounts by `NAMESPACE/ACCOUNT`. */
    uids: new Map<string, string>(),
    apiServers: [] as ScoreFacts['apiServers'][number][],
    auditJobs: [] as ScoredObject[],
    /** The smallest configuration, whatever that of the audit leaves out. */
    defaults: readDefaults(),
  };
}

function readDefaults(): Configuration {
  const read = readConfiguration(EMPTY_CONFIGURATION_FILE);
  if (!read.ok) throw new Error('the smallest configuration is valid');
  return read.configuration;
}

/** Pods whose names are told, of each of these kinds. */
const MOST_TOLD = 20;

/** Takes note of one object, whether it is judged or not. */
export function gather(gathered: Gathered, subject: Subject, how: JudgeManifestOptions): void {
  const { resource, namespace, name, object } = subject;
  noteAccess(gathered.access, subject);
  const isToken = (secret: string) => how.world.tokenSecret(namespace, secret).state === 'found';
  if (isPod(resource)) gatherPod(gathered, subject, how);
  else if (isPodTemplate(resource)) gatherTemplate(gathered, subject, isToken);
  else if (resource.name === 'serviceaccounts') {
    gathered.uids.set(`${namespace}/${name}`, asString(valueAt(object, ['metadata', 'uid'])) ?? '');
    addAccountUses(gathered.uses, subject, isToken);
  } else if (resource.name === 'roles' || resource.name === 'clusterroles') {
    addRole(gathered.rights, subject, findRoleRisks(gathered, subject, how));
  } else if (resource.name === 'rolebindings' || resource.name === 'clusterrolebindings') {
    addBinding(gathered.rights, subject, isBuiltIn(subject));
  }
}

function gatherPod(gathered: Gathered, pod: Subject, how: JudgeManifestOptions): void {
  const isToken = (secret: string) => accountOfSecret(how.world, pod.namespace, secret) !== undefined;
  addPodMentions(gathered.uses, pod, isToken);
  if (hasEnded(pod)) return;
  if (!isMade(pod)) addPodUses(gathered.uses, pod, isToken);
  addLivePod(gathered.pods, pod, {
    foreseen: foreseeTokens(pod, how),
    apiAudiences: how.cluster.apiAudiences,
    accountOfSecret: (secret) => accountOfSecret(how.world, pod.namespace, secret),
  });
  if (pod.namespace === SYSTEM_NAMESPACE && gathered.apiServers.length < MOST_TOLD) noteApiServer(gathered, pod);
}

function accountOfSecret(world: World, namespace: string, secret: string): string | undefined {
  const found = world.tokenSecret(namespace, secret);
  return found.state === 'found' ? found.value.account : undefined;
}

/** A static pod of kubeadm and others like it, which bears its arguments. */
function noteApiServer({ apiServers }: Gathered, { name, object }: Subject): void {
  if (valueAt(object, ['metadata', 'labels', 'component']) !== 'kube-apiserver') return;
  const hasAuditPolicy = listArguments(member(object, 'spec')).some((one) => one.startsWith('--audit-policy-file'));
  apiServers.push({ name, hasAuditPolicy });
}

function gatherTemplate(gathered: Gathered, template: Subject, isToken: (secret: string) => boolean): void {
  const { kind, namespace, name, object } = template;
  gathered.owners.note(template);
  if (isMade(template)) return;
  addPodUses(gathered.uses, template, isToken);
  const strategy = valueAt(object, ['spec', 'updateStrategy', 'type']);
  if (strategy === 'OnDelete') gathered.onDelete.add(nameWorkload(namespace, { kind, name }));
  if (kind === 'CronJob' && gathered.auditJobs.length < MOST_TOLD && runsAudit(template)) {
    gathered.auditJobs.push({ kind, namespace, name });
  }
}

/** By the image and the command, since the chart is not the only way to install it. */
function runsAudit(cronJob: Subject): boolean {
  return findPodSpecs(cronJob).some(({ spec }) => {
    const images = listContainers(spec).map(({ container }) => asString(member(container, 'image')) ?? '');
    return images.some((image) => image.includes('curfew')) && listArguments(spec).includes('audit');
  });
}

function listArguments(spec: unknown): readonly string[] {
  if (!isObject(spec)) return [];
  return listContainers(spec).flatMap(({ container }) =>
    [...asArray(member(container, 'command')), ...asArray(member(container, 'args'))].filter(
      (one) => typeof one === 'string',
    ),
  );
}

/** Ids of the checks that find something at level restricted, whatever the configuration leaves out. */
function findRoleRisks({ defaults }: Gathered, role: Subject, how: JudgeManifestOptions): readonly string[] {
  const { judgement } = judgeManifest(role, { ...how, configuration: defaults, level: 'restricted' });
  return judgement.results.map(({ check }) => check.id);
}
