import { Type } from 'typebox';
import {
  exampleConfigMap,
  exampleCronJob,
  exampleDeployment,
  examplePod,
  exampleSecret,
} from '../objects/example-objects.ts';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt, toBase64 } from '../objects/example-tokens.ts';
import { stringMembers, toPointer, valueAt } from '../objects/json.ts';
import { createTokenSearch } from '../objects/pasted-tokens/find-tokens.ts';
import type { PastedPlace } from '../objects/pasted-tokens/pasted-text.ts';
import { listPastedTexts } from '../objects/pasted-tokens/pasted-text.ts';
import type { AccountToken } from '../objects/pasted-tokens/token-claims.ts';
import { readAccountToken } from '../objects/pasted-tokens/token-claims.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import { ACCOUNT_NAME_ANNOTATION, TOKEN_SECRET_TYPE } from '../objects/views.ts';
import type { Finding, Undecided } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { READS_PODS_AND_TEMPLATES } from './pod-bearing.ts';

const BASELINE_SECONDS = 86_400;
const RESTRICTED_SECONDS = 3_600;
/** A TokenRequest gets no shorter one, and no longer one (pkg/apis/authentication/validation). */
const LEAST_SECONDS = 600;
const MOST_SECONDS = 4_294_967_296;

/** The last moment that a Date can hold, in seconds. */
const LAST_SECOND = 8_640_000_000_000;

/** Where the token controller keeps the token of a token Secret. */
const KEPT_KEY = 'key token';

const TOO_MUCH: Undecided = {
  undecided: true,
  detail: 'more texts look like tokens than are looked at, and the rest was not judged; split the object',
};

const secondsOf = (level: string, preset: number) =>
  Type.Optional(
    Type.Integer({
      minimum: LEAST_SECONDS,
      maximum: MOST_SECONDS,
      description: `Longest lifetime of a token in data at ${level}, in seconds. Default: ${preset}.`,
    }),
  );

const LEGACY_TOKEN = exampleJwt(EXAMPLE_LEGACY_CLAIMS);
const TWO_DAYS_TOKEN = exampleJwt(exampleBoundClaims(172_800));
const TWO_HOURS_TOKEN = exampleJwt(exampleBoundClaims(7_200));
const ONE_HOUR_TOKEN = exampleJwt(exampleBoundClaims(3_600));

export default defineCheck({
  id: 'embedded-token',
  since: '0.1',
  levels: { baseline: { maxSeconds: BASELINE_SECONDS }, restricted: { maxSeconds: RESTRICTED_SECONDS } },
  options: Type.Object(
    {
      maxSeconds: Type.Optional(
        Type.Object(
          {
            baseline: secondsOf('baseline', BASELINE_SECONDS),
            restricted: secondsOf('restricted', RESTRICTED_SECONDS),
          },
          { additionalProperties: false },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: {},
  reads: [
    { group: '', resource: 'secrets', operations: ['CREATE', 'UPDATE'] },
    { group: '', resource: 'configmaps', operations: ['CREATE', 'UPDATE'] },
    ...READS_PODS_AND_TEMPLATES,
    { group: '', resource: 'pods', subresource: 'ephemeralcontainers', operations: ['UPDATE'] },
  ],
  needs: [],
  title:
    'service account tokens pasted into Secrets, ConfigMaps, environment variables, and commands and headers of containers, if they never expire or live longer than a day at baseline, an hour at restricted',
  why: `A token in data is a copy that nothing rotates. It goes wherever the data goes: to Git, to backups, to everyone who
may read the object. Legacy tokens are refused always: they never expire, and work until their Secret or account is
deleted. A bound one is refused if it lives longer than a projected token may. For what audience it is does not matter:
Vault or a cloud takes it from whoever holds it, and checks no more than signature and end. A token is known by its claims, as
it stands or in base64 up to twice, so those in kubeconfigs and in .dockerconfigjson are found too; its text is never
shown. A legacy token does not say which cluster it is of, so one of another cluster is refused as well. Bound tokens of
other clusters and of other issuers, and tokens that have expired, are let through. What is compressed or encrypted is
not looked into, nor UTF-16, hexadecimal, base64 three times, or a token that is itself broken into lines.`,
  fix: () =>
    'take the token out; a pod gets a fresh one by a projected serviceAccountToken volume, others by: kubectl create token ACCOUNT --namespace NAMESPACE --duration 1h',
  shortFix: () => 'mount a projected token',
  evaluate(subject, { options, limits }, context) {
    const maxSeconds = options.maxSeconds?.[context.level] ?? limits.maxSeconds;
    const facts = { issuers: context.cluster.issuers, now: context.now };
    const texts = listPastedTexts(subject);
    if (texts.length === 0) return [];
    const search = createTokenSearch();
    const findings = new Map<string, Finding>();
    for (const { text, isData, locate } of texts) {
      const found = isData ? search.findInData(text) : search.findIn(text);
      for (const claims of found) {
        const token = readAccountToken(claims, facts);
        if (token === undefined || token.expiresAt * 1_000 <= context.now || token.lifetimeSeconds <= maxSeconds)
          continue;
        const place = locate();
        if (place.key === KEPT_KEY && isKeptThere(subject, text, token)) continue;
        const finding = describeToken(place, token, maxSeconds);
        if (!findings.has(finding.key)) findings.set(finding.key, finding);
      }
    }
    return [...findings.values(), ...(search.isCut() ? [TOO_MUCH] : [])];
  },
  examples: [
    {
      title: 'A token that never expires, in a Secret',
      level: 'baseline',
      subject: { object: exampleSecret({ data: { token: toBase64(LEGACY_TOKEN) } }) },
      expect: [keyOfLegacy('key token')],
    },
    {
      title: 'A kubeconfig with a token of two days',
      level: 'baseline',
      subject: { object: exampleSecret({ stringData: { kubeconfig: kubeconfig(TWO_DAYS_TOKEN) } }) },
      expect: ['key kubeconfig: ci/deployer token-of-172800-s 4102272000 4102444800'],
    },
    {
      title: 'A Secret that says it is a bootstrap token',
      level: 'baseline',
      subject: {
        object: exampleSecret({ type: 'bootstrap.kubernetes.io/token', data: { token: toBase64(LEGACY_TOKEN) } }),
      },
      expect: [keyOfLegacy('key token')],
    },
    {
      title: 'A password for a registry: base64 within base64',
      level: 'baseline',
      subject: {
        object: exampleSecret({
          type: 'kubernetes.io/dockerconfigjson',
          data: { '.dockerconfigjson': toBase64(dockerConfig(LEGACY_TOKEN)) },
        }),
      },
      expect: [keyOfLegacy('key .dockerconfigjson')],
    },
    {
      title: 'The settings of an application in a ConfigMap',
      level: 'baseline',
      subject: { object: exampleConfigMap({ data: { '.env': `API=https://api.example\nTOKEN=${LEGACY_TOKEN}\n` } }) },
      expect: [keyOfLegacy('key .env')],
    },
    {
      title: 'Environment variables and arguments of a pod, its init container and its native sidecar',
      level: 'baseline',
      subject: {
        object: examplePod({
          initContainers: [
            { name: 'migrate', image: 'registry.example/migrate:1', command: ['migrate', `--token=${LEGACY_TOKEN}`] },
            {
              name: 'proxy',
              image: 'registry.example/proxy:1',
              restartPolicy: 'Always',
              args: ['--header', `Authorization: Bearer ${LEGACY_TOKEN}`],
            },
          ],
          containers: [
            { name: 'app', image: 'registry.example/web:1', env: [{ name: 'KUBE_TOKEN', value: LEGACY_TOKEN }] },
          ],
        }),
      },
      expect: [keyOfLegacy('migrate/command'), keyOfLegacy('proxy/args'), keyOfLegacy('app/env KUBE_TOKEN')],
    },
    {
      title: 'A Deployment whose pods would have it',
      level: 'baseline',
      subject: { object: exampleDeployment({ containers: [containerWith(TWO_DAYS_TOKEN)] }) },
      expect: ['app/env KUBE_TOKEN: ci/deployer token-of-172800-s 4102272000 4102444800'],
    },
    {
      title: 'A CronJob with a token of two hours, at restricted',
      level: 'restricted',
      subject: { object: exampleCronJob({ containers: [containerWith(TWO_HOURS_TOKEN)] }) },
      expect: ['app/env KUBE_TOKEN: ci/deployer token-of-7200-s 4102437600 4102444800'],
    },
    {
      title: 'A second token beside an old one: only what is added counts',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleConfigMap({ data: { token: LEGACY_TOKEN } }),
        object: exampleConfigMap({ data: { token: LEGACY_TOKEN, other: TWO_DAYS_TOKEN } }),
      },
      expect: [keyOfLegacy('key token'), 'key other: ci/deployer token-of-172800-s 4102272000 4102444800'],
    },
    {
      title: 'A token of an hour',
      level: 'restricted',
      subject: { object: exampleSecret({ stringData: { token: ONE_HOUR_TOKEN } }) },
      expect: 'allowed',
    },
    {
      title: 'A token that expired long ago',
      level: 'restricted',
      subject: {
        object: exampleSecret({
          stringData: { token: exampleJwt(exampleBoundClaims(172_800, { exp: 1_600_000_000 })) },
        }),
      },
      expect: 'allowed',
    },
    {
      title: 'A token of another issuer',
      level: 'restricted',
      subject: {
        object: exampleConfigMap({
          data: { token: exampleJwt(exampleBoundClaims(172_800, { iss: 'https://gitlab.example' })) },
        }),
      },
      expect: 'allowed',
    },
    {
      title: 'A token of two days where the configuration allows three',
      level: 'baseline',
      subject: { object: exampleSecret({ stringData: { token: TWO_DAYS_TOKEN } }) },
      options: { maxSeconds: { baseline: 259_200, restricted: 259_200 } },
      expect: 'allowed',
    },
    {
      title: 'A pod with nothing of the kind',
      level: 'restricted',
      subject: { object: examplePod() },
      expect: 'allowed',
    },
  ],
});

/**
 * True for the token that a token Secret is there for, which another check judges: the one of its own account, and the
 * one that stays when the Secret is pointed at another account.
 */
function isKeptThere({ object, oldObject, namespace }: Subject, text: string, token: AccountToken): boolean {
  if (valueAt(object, ['type']) !== TOKEN_SECRET_TYPE) return false;
  const account = stringMembers(valueAt(object, ['metadata', 'annotations'])).get(ACCOUNT_NAME_ANNOTATION);
  const isOwn = token.namespace === namespace && token.account === account;
  return isOwn || (oldObject !== undefined && valueAt(oldObject, ['data', 'token']) === text);
}

function describeToken(place: PastedPlace, token: AccountToken, maxSeconds: number): Finding {
  const { namespace, account, expiresAt, lifetimeSeconds } = token;
  const isForEver = expiresAt === Number.POSITIVE_INFINITY;
  const life = isForEver
    ? 'never expires'
    : `lives ${Math.ceil(lifetimeSeconds)} s, until ${formatTime(expiresAt)}; at most ${maxSeconds} s are allowed`;
  const command = `kubectl create token ${nameForCommand(account, 'ACCOUNT')} --namespace ${nameForCommand(namespace, 'NAMESPACE')} --duration 1h`;
  return {
    path: toPointer(place.path),
    key: `${place.key}: ${namespace}/${account} ${token.id}`,
    reason: isForEver ? 'a pasted token that never expires' : 'a pasted token that lives too long',
    detail: `${place.name} holds a token of service account ${quote(`${namespace}/${account}`)} that ${life}.`,
    ...(place.container === undefined ? {} : { container: place.container }),
    fix: `take the token out; a pod gets a fresh one by a projected serviceAccountToken volume, others by: ${command}`,
  };
}

/** RFC 3339 without fractions. */
function formatTime(seconds: number): string {
  if (Math.abs(seconds) > LAST_SECOND) return 'the end of time';
  return `${new Date(Math.trunc(seconds) * 1_000).toISOString().slice(0, -'.000Z'.length)}Z`;
}

function keyOfLegacy(place: string): string {
  return `${place}: ci/deployer deployer-token 5c1b0d3e-4a2f-4d6b-9f0a-2b7c8d9e0f11`;
}

function containerWith(token: string) {
  return { name: 'app', image: 'registry.example/web:1', env: [{ name: 'KUBE_TOKEN', value: token }] };
}

function kubeconfig(token: string): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: main, cluster: {server: "https://api.example:6443"}}]
contexts: [{name: main, context: {cluster: main, user: deployer}}]
current-context: main
users:
- name: deployer
  user:
    token: ${token}
`;
}

function dockerConfig(token: string): string {
  return JSON.stringify({ auths: { 'registry.example': { auth: toBase64(`deployer:${token}`) } } });
}
