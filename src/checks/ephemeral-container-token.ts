import { Type } from 'typebox';
import { listContainers } from '../objects/containers.ts';
import { examplePod, exampleTokenVolume } from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, member, toPointer } from '../objects/json.ts';
import { findPodSpecs } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import { listSecretReferences } from '../objects/secret-references.ts';
import type { Subject } from '../objects/subject.ts';
import { quote } from '../objects/text.ts';
import { listTokenSources } from '../objects/tokens.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { keepFirstOfEachKey } from './pod-bearing.ts';

const LIST = 'ephemeralContainers';

export default defineCheck({
  id: 'ephemeral-container-token',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [{ group: '', resource: 'pods', subresource: 'ephemeralcontainers', operations: ['UPDATE'] }],
  needs: ['tokenSecrets'],
  title: 'debug containers that mount a token of the pod they are added to',
  why: `The API server gives an ephemeral container no token of its own. One that mounts the volume in which another
container has its token can act as the pod's service account, from an image that its author chose. kubectl debug mounts
nothing unless it is told to. A reason documented for the workload is none for whoever debugs it.

Secrets that hold a service account token are seen only with the index of token Secrets (secretIndex: true).`,
  fix: () => 'leave the mount out; kubectl debug works without it. Use credentials of your own.',
  shortFix: () => 'leave the mount out',
  evaluate(subject, _settings, context) {
    const added = listAdded(subject);
    if (added.size === 0) return [];
    return keepFirstOfEachKey(
      findPodSpecs(subject).flatMap(({ path, spec }) => {
        // All else of the pod was judged when it was made.
        const inPlace = (finding: Finding): Finding => ({ ...finding, path: `${toPointer(path)}${finding.path}` });
        return [...judgeMounts(spec, added, context), ...judgeEnvironment(spec, added, context)].map(inPlace);
      }),
    );
  },
  examples: [
    {
      title: 'A debug container that mounts the token of the application',
      level: 'restricted',
      subject: debug({ volumeMounts: [{ name: 'token', mountPath: '/var/run/token' }] }),
      expect: ['debugger: token'],
    },
    {
      title: 'One that mounts a token for Vault',
      level: 'restricted',
      subject: debug({ volumeMounts: [{ name: 'vault', mountPath: '/var/run/vault' }] }),
      expect: ['debugger: vault'],
    },
    {
      title: 'One that mounts a Secret with a never-expiring token, and takes it as a variable too',
      level: 'restricted',
      subject: debug({
        volumeMounts: [{ name: 'credentials', mountPath: '/var/run/credentials' }],
        env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'web-token', key: 'token' } } }],
      }),
      context: { tokenSecrets: { 'web-token': 'web' } },
      expect: ['debugger: credentials', 'debugger: Secret web-token'],
    },
    {
      title: 'kubectl debug as it comes',
      level: 'restricted',
      subject: debug({ stdin: true, tty: true, targetContainerName: 'app' }),
      expect: 'allowed',
    },
    {
      title: 'A volume without a token',
      level: 'restricted',
      subject: debug({ volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
      expect: 'allowed',
    },
    {
      title: 'A second debug container, beside one that has the token already',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        subresource: 'ephemeralcontainers',
        object: podWith([
          { name: 'old', image: 'registry.example/debug:1', volumeMounts: [{ name: 'token', mountPath: '/t' }] },
          { name: 'new', image: 'registry.example/debug:1' },
        ]),
        oldObject: podWith([
          { name: 'old', image: 'registry.example/debug:1', volumeMounts: [{ name: 'token', mountPath: '/t' }] },
        ]),
      },
      expect: 'allowed',
    },
  ],
});

/** Names of the ephemeral containers that the stored pod does not have; those it has cannot be changed or removed. */
function listAdded({ object, oldObject }: Subject): ReadonlySet<string> {
  const added = new Set(namesOf(object));
  for (const name of namesOf(oldObject ?? {})) added.delete(name);
  return added;
}

function namesOf(pod: JsonObject): readonly string[] {
  return asArray(member(member(pod, 'spec'), LIST)).map((container) => asString(member(container, 'name')) ?? '');
}

function judgeMounts(spec: JsonObject, added: ReadonlySet<string>, context: RuleContext): readonly Finding[] {
  const holders = describeHolders(spec, context);
  return listContainers(spec).flatMap(({ path, name, container }) => {
    if (path[0] !== LIST || !added.has(name)) return [];
    return asArray(member(container, 'volumeMounts')).flatMap((mount, index) => {
      const volume = asString(member(mount, 'name')) ?? '';
      const held = holders.get(volume);
      if (held === undefined) return [];
      return [
        {
          path: toPointer([...path, 'volumeMounts', index]),
          key: `${name}: ${volume}`,
          reason: 'a token of this pod',
          detail: `volume ${quote(volume)} holds ${held}, and a debug container may not mount it.`,
          container: name,
        },
      ];
    });
  });
}

/** What token each volume holds, in words; only volumes that hold one. */
function describeHolders(spec: JsonObject, context: RuleContext): ReadonlyMap<string, string> {
  const holders = new Map<string, string>();
  for (const { volume, audience } of listTokenSources(spec)) {
    if (holders.has(volume)) continue;
    holders.set(volume, audience === '' ? 'an API token' : `a token for audience ${quote(audience)}`);
  }
  for (const reference of listSecretReferences(spec)) {
    if (reference.by !== 'volume' || holders.has(reference.volume)) continue;
    if (context.tokenSecret(reference.secret).state !== 'found') continue;
    holders.set(reference.volume, `the never-expiring token of Secret ${quote(reference.secret)}`);
  }
  return holders;
}

function judgeEnvironment(spec: JsonObject, added: ReadonlySet<string>, context: RuleContext): readonly Finding[] {
  return listSecretReferences(spec).flatMap((reference) => {
    if (reference.by === 'volume' || reference.path[0] !== LIST || !added.has(reference.container)) return [];
    if (context.tokenSecret(reference.secret).state !== 'found') return [];
    return [
      {
        path: toPointer(reference.path),
        key: `${reference.container}: Secret ${reference.secret}`,
        reason: 'a token that never expires',
        detail: `Secret ${quote(reference.secret)} holds a never-expiring token, and a debug container may not take it as a variable.`,
        container: reference.container,
        fix: 'leave the variable out, and use credentials of your own.',
        shortFix: 'leave it out',
      },
    ];
  });
}

function podWith(ephemeralContainers: readonly JsonObject[]): JsonObject {
  return examplePod({
    automountServiceAccountToken: false,
    volumes: [
      exampleTokenVolume({ expirationSeconds: 3_600 }),
      { ...exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 }), name: 'vault' },
      { name: 'credentials', secret: { secretName: 'web-token' } },
      { name: 'data', emptyDir: {} },
    ],
    ...(ephemeralContainers.length === 0 ? {} : { ephemeralContainers }),
  });
}

/** An update that adds one debug container. */
function debug(container: JsonObject) {
  return {
    operation: 'UPDATE' as const,
    subresource: 'ephemeralcontainers',
    object: podWith([{ name: 'debugger', image: 'registry.example/debug:1', ...container }]),
    oldObject: podWith([]),
  };
}
