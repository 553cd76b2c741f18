import { Type } from 'typebox';
import { exampleCronJob, exampleDeployment, examplePod } from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { SecretReference } from '../objects/secret-references.ts';
import { listSecretReferences } from '../objects/secret-references.ts';
import { joinNames, nameForCommand, quote } from '../objects/text.ts';
import type { TokenSecretView } from '../objects/views.ts';
import type { Finding, Outcome, Undecided } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { judgePodSpecs, keepFirstOfEachKey, keyOfPart, READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

/** What a volume with a short-lived token holds, on one line. */
const PROJECTED = 'projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}';

/**
 * Before 1.24 the token controller made a Secret for each account, named by the account, `-token-` and five of these
 * characters; the name before them was cut after 58 (apiserver, pkg/storage/names/generate.go; apimachinery, util/rand).
 */
const GENERATED_END = /^[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const MOST_CHARACTERS_BEFORE_END = 58;

export default defineCheck({
  id: 'long-lived-token-mount',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_PODS_AND_TEMPLATES,
  needs: ['tokenSecrets'],
  title: 'pods and templates that use a Secret which holds a service account token',
  why: `The token in such a Secret never expires. A container that gets it, as a file or as a variable, holds a credential
that works from anywhere after the pod is gone, and that no rotation replaces. The kubelet can give the same container a
token that lives for an hour and is bound to the pod. Keys that hold no token, such as ca.crt, are not looked at.

Which Secrets hold such a token is known only with the index of token Secrets (secretIndex: true in the configuration),
which is off by default. Without it this check says nothing, except that it warns of a Secret whose name has the form
that Kubernetes gave the token Secrets of the pod's own service account until version 1.23.`,
  fix: () => describeFix('volume', undefined),
  shortFix: () => 'mount a projected token',
  evaluate(subject, _settings, context) {
    return judgePodSpecs(subject, context, judgePodSpec);
  },
  examples: [
    {
      title: 'A pod that mounts the Secret',
      level: 'baseline',
      subject: { object: examplePod(mounting({ secret: { secretName: 'web-token' } })) },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: ['web/volume credentials: web-token'],
    },
    {
      title: 'A Deployment that mounts the Secret of another account in a projected volume',
      level: 'baseline',
      subject: { object: exampleDeployment(mounting({ projected: { sources: [{ secret: { name: 'ci-token' } }] } })) },
      context: { tokenSecrets: { 'ci-token': 'ci' } },
      expect: ['web/volume credentials: ci-token'],
    },
    {
      title: 'Variables of an init container, of a native sidecar and of the main one',
      level: 'restricted',
      subject: {
        object: examplePod({
          initContainers: [
            withVariable({ name: 'migrate', image: 'registry.example/migrate:1' }),
            withVariable({ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' }),
          ],
          containers: [withVariable({ name: 'app', image: 'registry.example/web:1' })],
        }),
      },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: ['web/container migrate: web-token', 'web/container proxy: web-token', 'web/container app: web-token'],
    },
    {
      title: 'A CronJob that takes all keys of the Secret as variables',
      level: 'baseline',
      subject: {
        object: exampleCronJob({
          containers: [
            { name: 'app', image: 'registry.example/web:1', envFrom: [{ secretRef: { name: 'web-token' } }] },
          ],
        }),
      },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: ['web/container app: web-token'],
    },
    {
      title: 'A volume that no container mounts',
      level: 'baseline',
      subject: { object: examplePod({ volumes: [{ name: 'credentials', secret: { secretName: 'web-token' } }] }) },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: ['web/volume credentials: web-token'],
    },
    {
      title: 'A Secret that holds no service account token',
      level: 'restricted',
      subject: { object: examplePod(mounting({ secret: { secretName: 'database' } })) },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: 'allowed',
    },
    {
      title: 'The CA bundle of a token Secret, which is no token',
      level: 'restricted',
      subject: {
        object: examplePod(
          mounting({ secret: { secretName: 'web-token', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }),
        ),
      },
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: 'allowed',
    },
    {
      title: 'Any Secret, without the index',
      level: 'restricted',
      subject: { object: exampleDeployment(mounting({ secret: { secretName: 'web-token' } })) },
      context: { tokenSecrets: 'unknown' },
      expect: 'allowed',
    },
    {
      title: 'A Secret that bears the name of an old token Secret of the same account, without the index',
      level: 'baseline',
      subject: { object: exampleDeployment(mounting({ secret: { secretName: 'web-token-x7k2p' } })) },
      context: { tokenSecrets: 'unknown' },
      expect: 'undecided',
    },
  ],
});

function judgePodSpec(pod: FoundPodSpec, context: RuleContext): readonly Outcome[] {
  const account = serviceAccountOf(pod.spec);
  const findings: Finding[] = [];
  let undecided: Undecided | undefined;
  for (const reference of listSecretReferences(pod.spec)) {
    const lookup = context.tokenSecret(reference.secret);
    if (lookup.state === 'found') findings.push(toFinding(pod, { reference, secret: lookup.value }));
    if (lookup.state === 'unknown' && isGeneratedFor(account, reference.secret)) {
      undecided ??= {
        undecided: true,
        needs: 'tokenSecrets',
        detail: `Secret ${quote(reference.secret)} is named like a never-expiring token of service account ${account}, and ${lookup.why}`,
      };
    }
  }
  return [...keepFirstOfEachKey(findings), ...(undecided === undefined ? [] : [undecided])];
}

function toFinding(
  pod: FoundPodSpec,
  { reference, secret }: { readonly reference: SecretReference; readonly secret: TokenSecretView },
): Finding {
  const { path } = reference;
  const place = reference.by === 'volume' ? `volume ${reference.volume}` : `container ${reference.container}`;
  return {
    path: toPointer([...pod.path, ...path]),
    key: keyOfPart(pod, `${place}: ${reference.secret}`),
    reason: 'a token that never expires',
    detail: `${describeUse(reference)} Secret ${quote(secret.name)}, which holds a never-expiring token of service account ${secret.namespace}/${secret.account}.`,
    ...(reference.by === 'volume' ? {} : { container: reference.container }),
    fix: describeFix(reference.by, secret.account === serviceAccountOf(pod.spec) ? undefined : secret.account),
  };
}

/** A variable is not named, so that the same one in several containers is told once. */
function describeUse(reference: SecretReference): string {
  switch (reference.by) {
    case 'volume': {
      const { containers } = reference;
      const where = containers.length === 0 ? '' : ` of ${joinNames('container', containers)}`;
      return `volume ${quote(reference.volume)}${where} is filled from`;
    }
    case 'env':
      return 'a variable is set from';
    case 'envFrom':
      return 'envFrom sets variables from';
  }
}

function describeFix(by: SecretReference['by'], otherAccount: string | undefined): string {
  const what = by === 'volume' ? 'fill the volume with a token of an hour' : 'mount a token of an hour as a file';
  const account =
    otherAccount === undefined ? '' : `, serviceAccountName: ${nameForCommand(otherAccount, 'NAME')} in the pod spec`;
  return `${what} instead: ${PROJECTED}${account}, and the audience of the service it is for, unless that is the Kubernetes API.`;
}

function isGeneratedFor(account: string, secret: string): boolean {
  const begin = `${account}-token-`.slice(0, MOST_CHARACTERS_BEFORE_END);
  return secret.startsWith(begin) && GENERATED_END.test(secret.slice(begin.length));
}

function mounting(volume: JsonObject): JsonObject {
  const volumeMounts = [{ name: 'credentials', mountPath: '/var/run/credentials' }];
  return {
    containers: [{ name: 'app', image: 'registry.example/web:1', volumeMounts }],
    volumes: [{ name: 'credentials', ...volume }],
  };
}

function withVariable(container: JsonObject): JsonObject {
  const valueFrom = { secretKeyRef: { name: 'web-token', key: 'token' } };
  return { ...container, env: [{ name: 'TOKEN', valueFrom }] };
}
