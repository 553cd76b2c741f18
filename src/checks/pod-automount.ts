import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION, documentedAccess, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { effectiveAutomount, findTokenVolume, listContainersWithoutTokenMount } from '../objects/automount.ts';
import { groupMounts } from '../objects/containers.ts';
import {
  exampleCronJob,
  exampleDeployment,
  examplePod,
  exampleServiceAccount,
  exampleTokenVolume,
} from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs, isPod, serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { isApiToken, isExtended, listTokenSources } from '../objects/tokens.ts';
import type { Finding, Outcome } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { keyOfPart, READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

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
  fix: (subject) => `set automountServiceAccountToken: false in the pod spec; ${describeAnnotation(subject)}`,
  shortFix: () => 'set automountServiceAccountToken: false',
  evaluate(subject, _settings, context) {
    return findPodSpecs(subject).flatMap((pod) => judgePodSpec(subject, pod, context));
  },
  examples: [
    { title: 'A pod that says nothing', level: 'restricted', subject: { object: examplePod() }, expect: ['web/app'] },
    {
      title: 'A pod whose service account opted out, but which opts in again: the pod wins',
      level: 'restricted',
      subject: { object: examplePod({ automountServiceAccountToken: true }) },
      context: { serviceAccount: exampleServiceAccount({ automountServiceAccountToken: false }) },
      expect: ['web/app'],
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
      expect: ['web/migrate', 'web/proxy', 'web/app'],
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
      expect: ['web/app'],
    },
    {
      title: 'A Deployment that says nothing',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      expect: ['web/app'],
    },
    {
      title: 'A CronJob that says nothing',
      level: 'restricted',
      subject: { object: exampleCronJob() },
      expect: ['web/app'],
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
      expect: ['web/app'],
    },
    {
      title: 'The placeholder of our own message documents nothing either',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: REASON_PLACEHOLDER }) },
      expect: ['web/app'],
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

/** Why the identity needs the API is said once, on the service account. */
function describeAnnotation(subject: Subject, spec: JsonObject | undefined = findPodSpecs(subject)[0]?.spec): string {
  const account = nameForCommand(spec === undefined ? undefined : serviceAccountOf(spec), '<service account>');
  return `or, if it calls the Kubernetes API, say why: kubectl annotate serviceaccount ${account} --namespace ${subject.namespace} ${API_ACCESS_ANNOTATION}="${REASON_PLACEHOLDER}"`;
}

type Place = { readonly pod: FoundPodSpec; readonly subject: Subject };

function judgePodSpec(subject: Subject, pod: FoundPodSpec, context: RuleContext): readonly Outcome[] {
  const { spec } = pod;
  const account = serviceAccountOf(spec);
  const lookup = context.serviceAccount(account);
  if (lookup.state === 'found' && documentedAccess(lookup.value) !== undefined) return [];

  const place = { pod, subject };
  const sources = listTokenSources(spec).filter((source) => isApiToken(source, context.cluster.apiAudiences));
  // A pod at admission already has the default volume, so its volumes say it all. A template never shows it.
  const automount = isPod(subject.resource) ? undefined : effectiveAutomount(spec, lookup);
  const isMountedLater = automount?.mounts === true && findTokenVolume(spec) === undefined;
  const findings = [...describeSources(place, sources, context), ...(isMountedLater ? describeAutomount(place) : [])];

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
  const { pod } = place;
  const mounts = groupMounts(pod.spec);
  return firstOfEachVolume(sources).flatMap((source) => {
    const mounted = mounts.get(source.volume) ?? [];
    const lifetime = isExtended(source, context.cluster.apiAudiences)
      ? ' It is valid for a year, not for an hour.'
      : '';
    const fix = source.isDefault ? {} : fixOfHandWritten(place, source);
    if (mounted.length > 0) {
      return mounted.map(({ path, container }) => ({
        path: toPointer([...pod.path, ...path]),
        key: keyOfPart(pod, container),
        reason: REASON,
        detail: `the ${nameToken(place)} is mounted, and nothing says why it is needed.${lifetime}`,
        container,
        ...fix,
      }));
    }
    return [
      {
        path: toPointer([...pod.path, ...source.path]),
        key: keyOfPart(pod, `volume ${source.volume}`),
        reason: REASON,
        detail: `volume ${quote(source.volume)} holds the ${nameToken(place)}, and no container mounts it.${lifetime}`,
        ...fix,
      },
    ];
  });
}

/** automountServiceAccountToken does nothing to a source that somebody wrote by hand. */
function fixOfHandWritten({ pod, subject }: Place, { volume }: TokenSource): Pick<Finding, 'fix' | 'shortFix'> {
  return {
    fix: `remove the serviceAccountToken source from volume ${quote(volume)}, or give it the audience of the service it is for; ${describeAnnotation(subject, pod.spec)}`,
    shortFix: 'remove it or give it an audience',
  };
}

/** A template whose pods will get the default token: one finding for each container. */
function describeAutomount(place: Place): readonly Finding[] {
  const { pod } = place;
  return listContainersWithoutTokenMount(pod.spec).map(({ name }) => ({
    path: toPointer(pod.path),
    key: keyOfPart(pod, name),
    reason: REASON,
    detail: `the ${nameToken(place)} will be mounted, and nothing says why it is needed.`,
    container: name,
  }));
}

function nameToken({ pod, subject }: Place): string {
  return `API token of service account ${subject.namespace}/${serviceAccountOf(pod.spec)}`;
}

/** A container that mounts two API tokens is one problem with one fix. */
function firstOfEachKey(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.toReversed().map((finding) => [finding.key, finding])).values()].toReversed();
}

function firstOfEachVolume(sources: readonly TokenSource[]): readonly TokenSource[] {
  return [...new Map(sources.toReversed().map((source) => [source.volume, source])).values()].toReversed();
}
