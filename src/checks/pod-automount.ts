import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { listContainersWithoutTokenMount } from '../objects/automount.ts';
import { groupMounts } from '../objects/containers.ts';
import {
  exampleCronJob,
  exampleDeployment,
  exampleNamespace,
  examplePod,
  exampleServiceAccount,
  exampleTokenVolume,
  withMetadata,
} from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs, serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { quote } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { firstOfEachVolume, isExtended } from '../objects/tokens.ts';
import type { Finding, Outcome, Undecided } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import {
  describeDocumenting,
  findAccessOfPod,
  findApiTokensOfPod,
  judgePodSpecs,
  keepFirstOfEachKey,
  keyOfPart,
  nameAccessSource,
  OPT_OUT,
  optOut,
  READS_PODS_AND_TEMPLATES,
  toNote,
} from './pod-bearing.ts';

const REASON = 'undocumented API token';
const DOCUMENTED = { annotations: { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' } };

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
  fix: (subject) =>
    `${OPT_OUT}; ${describeDocumenting(subject, findPodSpecs(subject)[0]?.spec ?? {}, ['ServiceAccount'])}`,
  shortFix: () => 'set automountServiceAccountToken: false',
  evaluate(subject, _settings, context) {
    return judgePodSpecs(subject, context, judgePodSpec);
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
      subject: { object: examplePod(handWritten({ expirationSeconds: 3600 })) },
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
      title: 'A pod that gives the reason itself, where only its service account may',
      level: 'restricted',
      subject: { object: withMetadata(examplePod(), DOCUMENTED) },
      expect: ['web/app'],
    },
    {
      title: 'A pod that gives the reason itself, where the administrator accepts it from pods',
      level: 'restricted',
      subject: { object: withMetadata(examplePod(), DOCUMENTED) },
      context: { acceptApiAccessFrom: ['ServiceAccount', 'Pod'] },
      expect: 'allowed',
    },
    {
      title: 'A Deployment whose pods bear the reason, where the administrator accepts it from pods',
      level: 'restricted',
      subject: { object: exampleDeployment({}, DOCUMENTED) },
      context: { acceptApiAccessFrom: ['Pod'] },
      expect: 'allowed',
    },
    {
      title: 'A namespace that gives the reason for all in it, where the administrator accepts it from namespaces',
      level: 'restricted',
      subject: { object: examplePod() },
      context: {
        acceptApiAccessFrom: ['Namespace'],
        namespace: exampleNamespace(DOCUMENTED.annotations),
      },
      expect: 'allowed',
    },
    {
      title: 'A pod that runs as the account of the whole namespace',
      level: 'restricted',
      subject: { object: examplePod({ serviceAccountName: 'default' }) },
      expect: ['default/app'],
    },
    {
      title: 'A token for another audience is no API token',
      level: 'restricted',
      subject: { object: examplePod(handWritten({ audience: 'vault', expirationSeconds: 600 })) },
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

type Place = {
  readonly pod: FoundPodSpec;
  readonly subject: Subject;
  readonly context: RuleContext;
  /** Why an annotation that is there does not count, in parentheses; empty if there is none. */
  readonly fault: string;
};

function judgePodSpec(pod: FoundPodSpec, context: RuleContext, subject: Subject): readonly Outcome[] {
  const tokens = findApiTokensOfPod(subject, pod, context);
  if (tokens.sources.length === 0 && tokens.addsDefault === false) return [];
  const access = findAccessOfPod(pod, context);
  const fault = access.state === 'undocumented' && access.fault !== undefined ? ` (${access.fault})` : '';
  const place = { pod, subject, context, fault };
  const findings = [
    ...describeSources(place, tokens.sources),
    ...(tokens.addsDefault === true ? describeAutomount(place) : []),
  ];

  if (findings.length === 0 && tokens.addsDefault !== 'unknown') return [];
  switch (access.state) {
    case 'documented':
      return findings.length === 0 ? [] : [toNote(subject, pod, access)];
    case 'unknown': {
      const source = nameAccessSource(subject, pod, access.source);
      return [toUndecided(`whether ${source} documents its need of the API: ${access.why}`)];
    }
    case 'undocumented':
      // A container that mounts two API tokens is one problem with one fix.
      if (findings.length > 0) return keepFirstOfEachKey(findings);
      return [toUndecided(`whether the ${nameToken(place)} is mounted: ${tokens.why}`)];
  }
}

function toUndecided(what: string): Undecided {
  return { undecided: true, needs: 'serviceAccount', detail: `cannot tell ${what}` };
}

/** Tokens that stand in the volumes: one finding for each volume and each container that mounts it. */
function describeSources(place: Place, sources: readonly TokenSource[]): readonly Finding[] {
  const { pod, context, fault } = place;
  const mounts = groupMounts(pod.spec);
  return firstOfEachVolume(sources).flatMap((source) => {
    const mounted = mounts.get(source.volume) ?? [];
    const lifetime = isExtended(source, context.cluster.apiAudiences)
      ? ' It is valid for a year, not for an hour.'
      : '';
    const fix = source.isDefault ? fixOfDefault(place) : fixOfHandWritten(place, source);
    if (mounted.length > 0) {
      return mounted.map(({ path, container }) => ({
        path: toPointer([...pod.path, ...path]),
        key: keyOfPart(pod, container),
        reason: REASON,
        detail: `the ${nameToken(place)} is mounted, and nothing says why it is needed${fault}.${lifetime}`,
        container,
        ...fix,
      }));
    }
    return [
      {
        path: toPointer([...pod.path, ...source.path]),
        key: keyOfPart(pod, `volume ${source.volume}`),
        reason: REASON,
        detail: `volume ${quote(source.volume)} holds the ${nameToken(place)}, and no container mounts it${fault}.${lifetime}`,
        ...fix,
      },
    ];
  });
}

function fixOfDefault({ pod, subject, context }: Place): Pick<Finding, 'fix' | 'repair'> {
  return optOut(pod, describeDocumenting(subject, pod.spec, context.acceptApiAccessFrom));
}

/** automountServiceAccountToken does nothing to a source that somebody wrote by hand. */
function fixOfHandWritten(
  { pod, subject, context }: Place,
  { volume }: TokenSource,
): Pick<Finding, 'fix' | 'shortFix'> {
  return {
    fix: `remove the serviceAccountToken source from volume ${quote(volume)}, or give it the audience of the service it is for; ${describeDocumenting(subject, pod.spec, context.acceptApiAccessFrom)}`,
    shortFix: 'remove it or give it an audience',
  };
}

/** A template whose pods will get the default token: one finding for each container. */
function describeAutomount(place: Place): readonly Finding[] {
  const { pod, fault } = place;
  const fix = fixOfDefault(place);
  return listContainersWithoutTokenMount(pod.spec).map(({ name }) => ({
    path: toPointer(pod.path),
    key: keyOfPart(pod, name),
    reason: REASON,
    detail: `the ${nameToken(place)} will be mounted, and nothing says why it is needed${fault}.`,
    container: name,
    ...fix,
  }));
}

function nameToken({ pod, subject }: Place): string {
  return `API token of service account ${subject.namespace}/${serviceAccountOf(pod.spec)}`;
}

/** A spec of one token that stands in the manifest and not in the default volume. */
function handWritten(token: JsonObject): JsonObject {
  const volumeMounts = [{ name: 'token', mountPath: '/var/run/token' }];
  return {
    automountServiceAccountToken: false,
    containers: [{ name: 'app', image: 'registry.example/web:1', volumeMounts }],
    volumes: [exampleTokenVolume(token)],
  };
}
