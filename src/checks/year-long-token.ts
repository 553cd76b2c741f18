import { Type } from 'typebox';
import { exampleCronJob, exampleDeployment, examplePod, exampleTokenVolume } from '../objects/example-objects.ts';
import { toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { quote } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS, isExtended } from '../objects/tokens.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { keyOfSource, listTokensOfPods, numberRepeats, READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

export default defineCheck({
  id: 'year-long-token',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_PODS_AND_TEMPLATES,
  needs: [],
  title: 'projected API tokens of exactly 3607 seconds, which are really valid for a year',
  why: `A request for exactly 3607 seconds with the API server's audience is special: to keep old clients working, the API
server issues a token that is valid for 365 days and only reports 3607 seconds (KEP-1205,
--service-account-extend-token-expiration). The value is copied from the default kube-api-access volume by people who
mean an hour. Anyone who steals the token and asks a third party that checks signature and expiry has a year.`,
  fix: () => 'write expirationSeconds: 3600, which is really an hour.',
  shortFix: () => 'write expirationSeconds: 3600',
  evaluate(subject, _settings, context) {
    const found: Finding[] = [];
    for (const { pod, source } of listTokensOfPods(subject)) {
      // The default volume is what every pod has; pod-automount judges it and the mutation shortens it.
      if (!source.isDefault && isExtended(source, context.cluster.apiAudiences)) found.push(toFinding(pod, source));
    }
    return numberRepeats(found);
  },
  examples: [
    {
      title: 'A hand-written token of 3607 seconds',
      level: 'baseline',
      subject: { object: examplePod({ volumes: [exampleTokenVolume({ expirationSeconds: 3607 })] }) },
      expect: ['web/token/token'],
    },
    {
      title: 'One that an init container and a native sidecar mount: the volume is told once',
      level: 'baseline',
      subject: {
        object: examplePod({
          initContainers: [
            {
              name: 'migrate',
              image: 'registry.example/migrate:1',
              volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }],
            },
            {
              name: 'proxy',
              image: 'registry.example/proxy:1',
              restartPolicy: 'Always',
              volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }],
            },
          ],
          volumes: [exampleTokenVolume({ expirationSeconds: 3607 })],
        }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'The same in a Deployment, also with the API server’s own audience',
      level: 'baseline',
      subject: {
        object: exampleDeployment({
          volumes: [exampleTokenVolume({ expirationSeconds: 3607, audience: 'https://kubernetes.default.svc' })],
        }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'The same in a CronJob, in the second source of a volume',
      level: 'restricted',
      subject: {
        object: exampleCronJob({
          volumes: [
            {
              name: 'token',
              projected: {
                sources: [
                  { configMap: { name: 'settings' } },
                  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
                ],
              },
            },
          ],
        }),
      },
      expect: ['web/token/token'],
    },
    {
      title: 'A volume that only bears the name of the default one',
      level: 'baseline',
      subject: {
        object: examplePod({
          automountServiceAccountToken: false,
          volumes: [{ ...exampleTokenVolume({ expirationSeconds: 3607 }), name: 'kube-api-access-mine' }],
        }),
      },
      expect: ['web/kube-api-access-mine/token'],
    },
    {
      title: 'An hour',
      level: 'restricted',
      subject: { object: examplePod({ volumes: [exampleTokenVolume({ expirationSeconds: 3600 })] }) },
      expect: 'allowed',
    },
    {
      title: 'No lifetime at all, which the API server makes an hour',
      level: 'restricted',
      subject: { object: exampleDeployment({ volumes: [exampleTokenVolume({})] }) },
      expect: 'allowed',
    },
    {
      title: '3607 seconds for another audience: no extension',
      level: 'restricted',
      subject: {
        object: examplePod({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 3607 })] }),
      },
      expect: 'allowed',
    },
    {
      title: 'A pod with nothing but the default token',
      level: 'baseline',
      subject: { object: examplePod() },
      expect: 'allowed',
    },
  ],
});

function toFinding(pod: FoundPodSpec, source: TokenSource): Finding {
  const field = [...pod.path, ...source.path, 'expirationSeconds'];
  return {
    path: toPointer(field),
    key: keyOfSource(pod, source),
    repair: { path: field, value: DEFAULT_EXPIRATION_SECONDS },
    reason: 'a token that is valid for a year',
    detail: `expirationSeconds: ${EXTENDED_EXPIRATION_SECONDS} in volume ${quote(source.volume)} makes a token that is valid for a year; any other value from 600 is kept as it is.`,
  };
}
