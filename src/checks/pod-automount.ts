import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION, documentedAccess } from '../objects/api-access.ts';
import { effectiveAutomount } from '../objects/automount.ts';
import { groupMounts, listContainers } from '../objects/containers.ts';
import {
  exampleCronJob,
  exampleDeployment,
  examplePod,
  exampleServiceAccount,
  exampleTokenVolume,
} from '../objects/example-objects.ts';
import { member, toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs, isPod, serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { quote } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { isApiToken, isExtended, listTokenSources } from '../objects/tokens.ts';
import type { Finding, Outcome } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

const REASON = 'undocumented API token';

export default defineCheck({
  id: 'pod-automount',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_PODS_AND_TEMPLATES,
  needs: ['serviceAccount'],
  title: 'pods and templates that mount a Kubernetes API token nobody documented',
  why: `By default every container of every pod holds a token for the Kubernetes API, and most never use it. Whoever breaks
into the container can act as its service account. A workload that does not call the API should not hold a token; one
that does should say so, once, on its service account. What counts is what is really mounted: the pod's
automountServiceAccountToken wins over the service account's, and a hand-written projected token for the API counts
as well.`,
  fix: (subject) => {
    const [pod] = findPodSpecs(subject);
    const account = pod === undefined ? 'NAME' : serviceAccountOf(pod.spec);
    return `${describeRemoval(subject)}; or, if it calls the Kubernetes API, say why: kubectl annotate serviceaccount ${account} --namespace ${subject.namespace} ${API_ACCESS_ANNOTATION}="<why>"`;
  },
  shortFix: (subject) =>
    findHandWritten(subject) === undefined
      ? 'set automountServiceAccountToken: false'
      : 'remove it or give it an audience',
  evaluate(subject, _settings, context) {
    const pods = findPodSpecs(subject);
    return pods.flatMap((pod) => judgePodSpec(subject, { pod, pods }, context));
  },
  examples: [
    { title: 'A pod that says nothing', level: 'restricted', subject: { object: examplePod() }, expect: ['app'] },
    {
      title: 'A pod whose service account opted out, but which opts in again: the pod wins',
      level: 'restricted',
      subject: { object: examplePod({ automountServiceAccountToken: true }) },
      context: { serviceAccount: exampleServiceAccount({ automountServiceAccountToken: false }) },
      expect: ['app'],
    },
    {
      title: 'Init containers and native sidecars hold the token too',
      level: 'restricted',
      subject: {
        object: examplePod({
          initContainers: [
            { name: 'migrate', image: 'registry.example/migrate:1' },
            { name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' },
          ],
        }),
      },
      expect: ['migrate', 'proxy', 'app'],
    },
    {
      title: 'A hand-written token for the API, which automountServiceAccountToken does not switch off',
      level: 'restricted',
      subject: {
        object: examplePod({
          automountServiceAccountToken: false,
          containers: [
            {
              name: 'app',
              image: 'registry.example/web:1',
              volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }],
            },
          ],
          volumes: [exampleTokenVolume({ expirationSeconds: 3600 })],
        }),
      },
      expect: ['app'],
    },
    {
      title: 'A Deployment that says nothing',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      expect: ['app'],
    },
    {
      title: 'A CronJob that says nothing',
      level: 'restricted',
      subject: { object: exampleCronJob() },
      expect: ['app'],
    },
    {
      title: 'A pod that opts out',
      level: 'restricted',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      expect: 'allowed',
    },
    {
      title: 'A pod whose service account opted out',
      level: 'restricted',
      subject: { object: examplePod() },
      context: { serviceAccount: exampleServiceAccount({ automountServiceAccountToken: false }) },
      expect: 'allowed',
    },
    {
      title: 'A service account whose need of the API is documented',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' }) },
      expect: 'allowed',
    },
    {
      title: 'A blank reason documents nothing',
      level: 'restricted',
      subject: { object: examplePod() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: '  ' }) },
      expect: ['app'],
    },
    {
      title: 'A token for another audience is no API token',
      level: 'restricted',
      subject: {
        object: examplePod({
          automountServiceAccountToken: false,
          containers: [
            {
              name: 'app',
              image: 'registry.example/web:1',
              volumeMounts: [{ name: 'token', mountPath: '/var/run/vault' }],
            },
          ],
          volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 })],
        }),
      },
      expect: 'allowed',
    },
    {
      title: 'A Deployment whose service account does not exist yet: it may be part of the same apply',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      context: { serviceAccount: 'absent' },
      expect: 'undecided',
    },
  ],
});

/** How the token goes away: automountServiceAccountToken does nothing to a source that somebody wrote by hand. */
function describeRemoval(subject: Subject): string {
  const handWritten = findHandWritten(subject);
  return handWritten === undefined
    ? 'set automountServiceAccountToken: false in the pod spec'
    : `remove the serviceAccountToken source from volume ${quote(handWritten.volume)}, or give it the audience of the service it is for`;
}

/** A token source of the author's own, where no default volume is to blame. */
function findHandWritten(subject: Subject): TokenSource | undefined {
  const [pod] = findPodSpecs(subject);
  if (pod === undefined || member(pod.spec, 'automountServiceAccountToken') !== false) return undefined;
  return listTokenSources(pod.spec).find((source) => !source.isDefault);
}

type Place = {
  readonly pod: FoundPodSpec;
  readonly subject: Subject;
  readonly account: string;
  /** The object holds other pods too. */
  readonly isOneOfMany: boolean;
};

function judgePodSpec(
  subject: Subject,
  { pod, pods }: { readonly pod: FoundPodSpec; readonly pods: readonly FoundPodSpec[] },
  context: RuleContext,
): readonly Outcome[] {
  const { spec } = pod;
  const account = serviceAccountOf(spec);
  const lookup = context.serviceAccount(account);
  if (lookup.state === 'found' && documentedAccess(lookup.value) !== undefined) return [];

  const place = { pod, subject, account, isOneOfMany: pods.length > 1 };
  const authored = listTokenSources(spec).filter((source) => isApiToken(source, context.cluster.apiAudiences));
  // A pod at admission already has the default volume, so its volumes say it all. A template never shows it.
  const automount = isPod(subject.resource) ? undefined : effectiveAutomount(spec, lookup);
  const isMountedLater = automount?.mounts === true && !authored.some((source) => source.isDefault);
  const findings = [...describeSources(place, authored, context), ...(isMountedLater ? describeAutomount(place) : [])];

  if (findings.length === 0 && automount?.mounts !== 'unknown') return [];
  if (lookup.state !== 'found') {
    const why = lookup.state === 'absent' ? 'it does not exist' : lookup.why;
    return [
      {
        undecided: true,
        needs: 'serviceAccount',
        detail: `cannot tell whether service account ${subject.namespace}/${account} documents its need of the API: ${why}`,
      },
    ];
  }
  return firstOfEachKey(findings);
}

/** Tokens that stand in the volumes: one finding for each volume and each container that mounts it. */
function describeSources(place: Place, sources: readonly TokenSource[], context: RuleContext): readonly Finding[] {
  const { pod, subject, account } = place;
  const mounts = groupMounts(pod.spec);
  const token = `API token of service account ${subject.namespace}/${account}`;
  return firstOfEachVolume(sources).flatMap((source) => {
    const mounted = mounts.get(source.volume) ?? [];
    const lifetime = isExtended(source, context.cluster.apiAudiences)
      ? ' It is valid for a year, not for an hour.'
      : '';
    if (mounted.length > 0) {
      return mounted.map(({ path, container }) => ({
        path: toPointer([...pod.path, ...path]),
        key: keyOf(place, container),
        reason: REASON,
        detail: `the ${token} is mounted, and nothing says why it is needed.${lifetime}`,
        container,
      }));
    }
    return [
      {
        path: toPointer([...pod.path, ...source.path]),
        key: keyOf(place, `volume ${source.volume}`),
        reason: REASON,
        detail: `volume ${quote(source.volume)} holds the ${token}, and no container mounts it.${lifetime}`,
      },
    ];
  });
}

/** A template whose pods will get the default token: one finding for each container. */
function describeAutomount(place: Place): readonly Finding[] {
  const { pod, subject, account } = place;
  return listContainers(pod.spec)
    .filter(({ path }) => path[0] !== 'ephemeralContainers')
    .map(({ name }) => ({
      path: toPointer(pod.path),
      key: keyOf(place, name),
      reason: REASON,
      detail: `the API token of service account ${subject.namespace}/${account} will be mounted, and nothing says why it is needed.`,
      container: name,
    }));
}

/** Where an object holds several pods, a container's name alone says too little. */
function keyOf({ pod, isOneOfMany }: Place, name: string): string {
  return isOneOfMany ? `${toPointer(pod.path)} ${name}` : name;
}

/** A container that mounts two API tokens is one problem with one fix. */
function firstOfEachKey(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.toReversed().map((finding) => [finding.key, finding])).values()].toReversed();
}

function firstOfEachVolume(sources: readonly TokenSource[]): readonly TokenSource[] {
  return [...new Map(sources.toReversed().map((source) => [source.volume, source])).values()].toReversed();
}
