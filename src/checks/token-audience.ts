import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION } from '../objects/api-access.ts';
import { listMounts } from '../objects/containers.ts';
import {
  exampleDeployment,
  examplePod,
  exampleServiceAccount,
  exampleTokenVolume,
} from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { joinNames, quote } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { API_TOKEN_MOUNT_PATH, isApiToken, listTokenSources } from '../objects/tokens.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import {
  findAccessOfPod,
  findApiTokensOfPod,
  keyOfSource,
  numberRepeats,
  READS_PODS_AND_TEMPLATES,
} from './pod-bearing.ts';

const DOCUMENTED = exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' });

export default defineCheck({
  id: 'token-audience',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object(
    {
      allowed: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 1_024 }), {
          minItems: 1,
          maxItems: 1_000,
          uniqueItems: true,
          description:
            'Audiences that tokens may have, those that meshes and clouds inject included (istio-ca, sts.amazonaws.com). Default: every one but the API server’s own.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: {},
  reads: READS_PODS_AND_TEMPLATES,
  needs: ['serviceAccount'],
  title: 'tokens beside the API token that the API server would take too, or whose audience is not on the list',
  why: `A token without an audience is a token for the Kubernetes API. Shown to Vault, a cloud or another service, it can be
used against the API by whoever runs or breaks into that service. A token that names its audience is good there and
nowhere else.

Each mistake is told once. A token for the API that nobody documented is told by pod-automount. Where the need of the API
is documented, one such token is right, also a hand-written one in place of the default; what this check refuses there is
another one beside it.`,
  fix: () =>
    'write the audience of the service the token is for, such as audience: vault; for the Kubernetes API the other token is there.',
  shortFix: () => 'write the audience it is for',
  evaluate(subject, { options }, context) {
    const allowed = options.allowed === undefined ? undefined : new Set(options.allowed);
    const found: Finding[] = [];
    for (const pod of findPodSpecs(subject)) {
      const written = listTokenSources(pod.spec).filter(isHandWritten);
      if (written.length === 0) continue;
      const second = listSecondApiTokens(subject, pod, context);
      for (const source of written) {
        if (second.has(toPointer(source.path))) found.push(describeApiToken(pod, source));
        else if (isUnlisted(source, allowed, context)) found.push(describeUnlisted(pod, source, options.allowed ?? []));
      }
    }
    return numberRepeats(found);
  },
  examples: [
    {
      title: 'A second token for the API beside the default one: its audience was forgotten',
      level: 'restricted',
      subject: { object: examplePod(mounting({})) },
      context: { serviceAccount: DOCUMENTED },
      expect: ['web/token/token'],
    },
    {
      title: 'The same in a Deployment, with the API server’s audience written out',
      level: 'restricted',
      subject: { object: exampleDeployment(mounting({ audience: 'https://kubernetes.default.svc' })) },
      context: { serviceAccount: DOCUMENTED },
      expect: ['web/token/token'],
    },
    {
      title: 'A second one in a native sidecar',
      level: 'restricted',
      subject: {
        object: examplePod({
          initContainers: [
            {
              name: 'proxy',
              image: 'registry.example/proxy:1',
              restartPolicy: 'Always',
              volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }],
            },
          ],
          volumes: [exampleTokenVolume({ expirationSeconds: 3_600 })],
        }),
      },
      context: { serviceAccount: DOCUMENTED },
      expect: ['web/token/token'],
    },
    {
      title: 'An audience that is not on the administrator’s list',
      level: 'restricted',
      subject: { object: exampleDeployment(mounting({ audience: 'vault.staging' })) },
      options: { allowed: ['vault', 'sts.amazonaws.com'] },
      expect: ['web/token/token'],
    },
    {
      title: 'A token for Vault',
      level: 'restricted',
      subject: { object: examplePod(mounting({ audience: 'vault' })) },
      expect: 'allowed',
    },
    {
      title: 'An audience on the list',
      level: 'restricted',
      subject: { object: exampleDeployment(mounting({ audience: 'vault' })) },
      options: { allowed: ['vault'] },
      expect: 'allowed',
    },
    {
      title: 'A hand-written token for the API in place of the default one, where the need of it is documented',
      level: 'restricted',
      subject: { object: examplePod({ automountServiceAccountToken: false, ...mounting({}) }) },
      context: { serviceAccount: DOCUMENTED },
      expect: 'allowed',
    },
    {
      title: 'A token for the API that nobody documented, of which pod-automount tells',
      level: 'restricted',
      subject: { object: examplePod({ automountServiceAccountToken: false, ...mounting({}) }) },
      expect: 'allowed',
    },
    {
      title: 'A pod with nothing but the default token',
      level: 'restricted',
      subject: { object: examplePod() },
      expect: 'allowed',
    },
  ],
});

function isHandWritten({ isDefault }: TokenSource): boolean {
  return !isDefault;
}

/**
 * Hand-written API tokens, by path, that are not the pod's one API token, where that one is documented. The one is what
 * stands where clients look for it: the default volume, or a volume in its place; if nothing stands there, the first.
 */
function listSecondApiTokens(subject: Subject, pod: FoundPodSpec, context: RuleContext): ReadonlySet<string> {
  if (findAccessOfPod(pod, context).state !== 'documented') return new Set();
  const tokens = findApiTokensOfPod(subject, pod, context);
  const inPlace = new Set(
    listMounts(pod.spec)
      .filter(({ mountPath }) => mountPath === API_TOKEN_MOUNT_PATH)
      .map(({ volume }) => volume),
  );
  const others = tokens.sources.filter(({ volume, isDefault }) => !isDefault && !inPlace.has(volume));
  // If it is not known whether the default one comes, the first hand-written one may be the only one.
  const hasOne = tokens.addsDefault === true || others.length < tokens.sources.length;
  return new Set((hasOne ? others : others.slice(1)).map(({ path }) => toPointer(path)));
}

function describeApiToken(pod: FoundPodSpec, source: TokenSource): Finding {
  const audience =
    source.audience === '' ? 'has no audience' : `has the API server's own audience ${quote(source.audience)}`;
  return {
    path: toPointer([...pod.path, ...source.path]),
    key: keyOfSource(pod, source),
    reason: 'a second token for the Kubernetes API',
    detail: `the token in volume ${quote(source.volume)} ${audience}, so whoever it is shown to can use it against the Kubernetes API, for which the pod has another token.`,
  };
}

function isUnlisted(source: TokenSource, allowed: ReadonlySet<string> | undefined, context: RuleContext): boolean {
  return allowed !== undefined && !isApiToken(source, context.cluster.apiAudiences) && !allowed.has(source.audience);
}

function describeUnlisted(pod: FoundPodSpec, source: TokenSource, allowed: readonly string[]): Finding {
  return {
    path: toPointer([...pod.path, ...source.path, 'audience']),
    key: keyOfSource(pod, source),
    reason: 'an audience that is not on the list',
    detail: `audience ${quote(source.audience)} of the token in volume ${quote(source.volume)} is not on this cluster's list.`,
    fix: `write one that is on the list: ${joinNames('audience', allowed)}`,
    shortFix: 'write one that is on it',
  };
}

function mounting(token: JsonObject): JsonObject {
  return {
    containers: [
      { name: 'app', image: 'registry.example/web:1', volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }] },
    ],
    volumes: [exampleTokenVolume({ expirationSeconds: 3_600, ...token })],
  };
}
