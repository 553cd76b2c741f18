import { Type } from 'typebox';
import { exampleCronJob, exampleDeployment, examplePod, exampleTokenVolume } from '../objects/example-objects.ts';
import { member, toPointer, valueAt } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { quote } from '../objects/text.ts';
import { INJECTED_LIMITS, isTooLong, limitOf } from '../objects/token-limits.ts';
import type { TokenSource } from '../objects/tokens.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { keyOfSource, listTokensOfPods, numberRepeats, READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

const LEAST_SECONDS = 600;
const MOST_SECONDS = 4_294_967_296;

/** Longest lifetime at each level. */
export const LEVEL_SECONDS = { baseline: 86_400, restricted: 3_600 } as const;

export default defineCheck({
  id: 'token-lifetime',
  since: '0.1',
  levels: { baseline: { seconds: LEVEL_SECONDS.baseline }, restricted: { seconds: LEVEL_SECONDS.restricted } },
  options: Type.Object(
    {
      audiences: Type.Optional(
        Type.Record(
          Type.String({ minLength: 1, maxLength: 1_024 }),
          Type.Integer({ minimum: LEAST_SECONDS, maximum: MOST_SECONDS }),
          {
            additionalProperties: false,
            description: `Longest lifetime of tokens for single audiences, in seconds, at every level: {vault: 900}. What meshes and clouds inject may live longer than the level says: ${[...INJECTED_LIMITS].map(([audience, seconds]) => `${audience} ${seconds}`).join(', ')}.`,
          },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: { audiences: {} },
  reads: READS_PODS_AND_TEMPLATES,
  needs: [],
  title: 'projected tokens that live longer than a day at baseline, or than an hour at restricted',
  why: `A token that is copied out of a container is good for as long as it lives. The kubelet replaces the file long before
the end (at 80 % of the lifetime, and at least once a day), so a short life costs an application that reads the file again
nothing. The default token is judged by pod-automount, and the special value of 3607 seconds by year-long-token.`,
  fix: () => 'write a shorter expirationSeconds; 600 is the least.',
  shortFix: () => 'write a shorter expirationSeconds',
  evaluate(subject, settings, { cluster: { apiAudiences } }) {
    const found: Finding[] = [];
    for (const { pod, source } of listTokensOfPods(subject)) {
      if (isTooLong(source, { settings, apiAudiences })) found.push(toFinding(pod, source, limitOf(source, settings)));
    }
    return numberRepeats(found);
  },
  examples: [
    {
      title: 'Two days',
      level: 'baseline',
      subject: {
        object: examplePod({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 172_800 })] }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'Two hours in a Deployment',
      level: 'restricted',
      subject: {
        object: exampleDeployment({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 7_200 })] }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'An API token of two hours in a CronJob, in the second source of a volume',
      level: 'restricted',
      subject: {
        object: exampleCronJob({
          volumes: [
            {
              name: 'token',
              projected: {
                sources: [
                  { configMap: { name: 'settings' } },
                  { serviceAccountToken: { path: 'token', expirationSeconds: 7_200 } },
                ],
              },
            },
          ],
        }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'No lifetime, which means an hour, where the administrator allows a quarter of one',
      level: 'baseline',
      subject: { object: exampleDeployment({ volumes: [exampleTokenVolume({ audience: 'vault' })] }) },
      options: { audiences: { vault: 900 } },
      expect: ['web/token/token'],
    },
    {
      title: 'A day for the security token service of AWS, where the administrator allows an hour',
      level: 'baseline',
      subject: {
        object: examplePod({
          volumes: [exampleTokenVolume({ audience: 'sts.amazonaws.com', expirationSeconds: 86_400 })],
        }),
      },
      options: { audiences: { 'sts.amazonaws.com': 3_600 } },
      expect: ['web/token/token'],
    },
    {
      title: 'An hour',
      level: 'restricted',
      subject: {
        object: examplePod({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 3_600 })] }),
      },
      expect: 'allowed',
    },
    {
      title: 'Two hours, at baseline',
      level: 'baseline',
      subject: {
        object: exampleDeployment({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 7_200 })] }),
      },
      expect: 'allowed',
    },
    {
      title: 'What Istio injects into its sidecar',
      level: 'restricted',
      subject: {
        object: examplePod({
          initContainers: [
            {
              name: 'istio-proxy',
              image: 'registry.example/proxyv2:1',
              restartPolicy: 'Always',
              volumeMounts: [{ name: 'istio-token', mountPath: '/var/run/secrets/tokens' }],
            },
          ],
          volumes: [
            {
              name: 'istio-token',
              projected: {
                sources: [
                  { serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } },
                ],
              },
            },
          ],
        }),
      },
      expect: 'allowed',
    },
    {
      title: 'An API token of exactly 3607 seconds, of which year-long-token tells',
      level: 'restricted',
      subject: { object: examplePod({ volumes: [exampleTokenVolume({ expirationSeconds: 3_607 })] }) },
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

function toFinding(pod: FoundPodSpec, source: TokenSource, limit: number): Finding {
  const field = [...pod.path, ...source.path, 'expirationSeconds'];
  const hasField = member(valueAt(pod.spec, source.path), 'expirationSeconds') !== undefined;
  const seen = hasField
    ? `expirationSeconds: ${source.expirationSeconds}`
    : `no expirationSeconds, which means ${source.expirationSeconds},`;
  const audience = source.audience === '' ? 'without an audience' : `for audience ${quote(source.audience)}`;
  return {
    path: toPointer(hasField ? field : field.slice(0, -1)),
    key: keyOfSource(pod, source),
    reason: 'a token that lives too long',
    detail: `${seen} in volume ${quote(source.volume)} is longer than the ${limit} seconds that a token ${audience} may live here.`,
    fix: `write expirationSeconds: ${limit}, or less; 600 is the least.`,
    shortFix: `write expirationSeconds: ${limit}`,
    repair: { path: field, value: limit },
  };
}
