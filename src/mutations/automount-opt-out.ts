import type { Static } from 'typebox';
import { Type } from 'typebox';
import { foreseeInjection } from '../injection/inject.ts';
import { API_ACCESS_ANNOTATION, findDocumentedAccess } from '../objects/api-access.ts';
import { listMounts } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import { createDraft } from '../objects/draft.ts';
import { examplePod, exampleServiceAccount, exampleTokenVolume, withMetadata } from '../objects/example-objects.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, toPointer, valueAt } from '../objects/json.ts';
import { NO_TOKEN_LABEL, NO_TOKEN_VALUE } from '../objects/no-token-label.ts';
import { POD, serviceAccountOf } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { findTokenReader } from '../objects/token-readers.ts';
import { isApiToken, listTokenSources } from '../objects/tokens.ts';
import type { Change, MutationSettings } from './define-mutation.ts';
import { defineMutation } from './define-mutation.ts';

const FIELD = ['spec', 'automountServiceAccountToken'];
const LABEL = ['metadata', 'labels', NO_TOKEN_LABEL];

const Options = Type.Object(
  {
    label: Type.Optional(
      Type.Boolean({
        description: `Give every new pod that holds no API token the label ${NO_TOKEN_LABEL}: ${NO_TOKEN_VALUE}, whoever took the token; a NetworkPolicy may select it. Default: false.`,
      }),
    ),
  },
  { additionalProperties: false },
);

type Settings = MutationSettings<Static<typeof Options>>;

export default defineMutation({
  id: 'automount-opt-out',
  since: '0.1',
  level: 'restricted',
  options: Options,
  defaults: { label: false },
  reads: [{ group: POD.group, resource: POD.resource, operations: ['CREATE'] }],
  mends: 'pod-automount',
  needs: ['serviceAccount', 'mutatingWebhooks'],
  title: 'a pod that nobody documented loses its Kubernetes API token',
  why: `Most pods hold a token for the Kubernetes API and never use it. The field automountServiceAccountToken alone does
nothing at this point, because the API server has mounted the token already, and a removed volume alone comes back when
the API server asks again; so the field is set, and the volume and every mount of it are removed. A hand-written token
is its author's and stays: the check pod-automount judges it. Left alone are pods of injectors that read the default
token (Vault's agent without a volume of its own, Consul, Kuma, also by its switch on the namespace), and pods whose service
account cannot be read as it is now. A pod that asks inject-token for the preset vault gets a volume for Vault's agent, so it
loses the default token all the same. Nothing in a pod tells that it is one of Consul with connectInject.default, of Linkerd with
identity.serviceAccountTokenProjection false, of Argo Workflows, or that it uses workload identity of Oracle's OKE: these
read the default token too, so document their need of the API on the service account first.`,
  mutate(subject, draft, settings) {
    const taken = takeToken(subject, draft, settings);
    return settings.options.label === true ? [...taken, ...setLabel(subject, draft, settings)] : taken;
  },
  examples: [
    {
      title: 'An ordinary pod',
      subject: { object: examplePod() },
      expect: {
        '/spec/automountServiceAccountToken': false,
        '/spec/volumes/0': null,
        '/spec/containers/0/volumeMounts/0': null,
      },
    },
    {
      title: 'Init containers, native sidecars and volumes of its own',
      subject: {
        object: examplePod({
          initContainers: [{ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' }],
          containers: [
            { name: 'app', image: 'registry.example/web:1', volumeMounts: [{ name: 'vault', mountPath: '/vault' }] },
          ],
          volumes: [{ ...exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 }), name: 'vault' }],
        }),
      },
      expect: {
        '/spec/automountServiceAccountToken': false,
        '/spec/initContainers/0/volumeMounts/0': null,
        '/spec/containers/0/volumeMounts/0/name': 'vault',
        '/spec/containers/0/volumeMounts/1': null,
        '/spec/volumes/0/name': 'vault',
        '/spec/volumes/1': null,
      },
    },
    {
      title: 'A pod that opts in itself and documents nothing',
      subject: { object: examplePod({ automountServiceAccountToken: true }) },
      expect: { '/spec/automountServiceAccountToken': false, '/spec/volumes/0': null },
    },
    {
      title: 'A pod whose service account documents its need of the API',
      subject: { object: examplePod() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' }) },
      expect: 'unchanged',
    },
    {
      title: 'A pod that documents its need of the API itself, where the administrator accepts it from pods',
      subject: {
        object: withMetadata(examplePod(), { annotations: { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' } }),
      },
      context: { acceptApiAccessFrom: ['ServiceAccount', 'Pod'] },
      expect: 'unchanged',
    },
    {
      title: 'A pod without the token',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      expect: 'unchanged',
    },
    {
      title: 'A pod into which Vault’s injector will put an agent that reads the default token',
      subject: {
        object: {
          ...examplePod(),
          metadata: { name: 'web', namespace: 'shop', annotations: { 'vault.hashicorp.com/agent-inject': 'true' } },
        },
      },
      expect: 'unchanged',
    },
    {
      title: 'The same, with a token of its own for that agent, which inject-token will add',
      subject: {
        object: withMetadata(examplePod(), {
          annotations: {
            'vault.hashicorp.com/agent-inject': 'true',
            [`${TOKEN_ANNOTATION_PREFIX}vault`]: '{preset: vault}',
          },
        }),
      },
      // What inject-token adds in its place is that mutation's.
      expect: { '/spec/automountServiceAccountToken': false, '/spec/volumes/1': null },
    },
    {
      title: 'A pod of a namespace into whose pods Kuma puts its sidecar, which reads the default token',
      subject: { object: examplePod() },
      context: { namespace: { metadata: { name: 'shop', labels: { 'kuma.io/sidecar-injection': 'enabled' } } } },
      expect: 'unchanged',
    },
    {
      title: 'A hand-written token for the API',
      subject: {
        object: examplePod({ automountServiceAccountToken: false, volumes: [exampleTokenVolume({})] }),
      },
      expect: 'unchanged',
    },
    {
      title: 'With the option label, a pod that lost its token is told by it',
      subject: { object: examplePod() },
      options: { label: true },
      expect: { '/spec/volumes/0': null, '/metadata/labels/curfew.dev~1api-token': NO_TOKEN_VALUE },
    },
    {
      title: 'With the option label, a pod that never had one too',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      options: { label: true },
      expect: { '/metadata/labels/curfew.dev~1api-token': NO_TOKEN_VALUE },
    },
    {
      title: 'With the option label, a pod with a hand-written token for the API has none',
      subject: {
        object: examplePod({ automountServiceAccountToken: false, volumes: [exampleTokenVolume({})] }),
      },
      options: { label: true },
      expect: 'unchanged',
    },
  ],
});

function takeToken(subject: Subject, draft: Draft, { context, injection }: Settings): readonly Change[] {
  const spec = member(draft.current(), 'spec');
  if (!isObject(spec)) return [];
  const account = context.serviceAccount(serviceAccountOf(spec));
  const access = findDocumentedAccess({
    serviceAccount: account,
    podMetadata: member(draft.current(), 'metadata'),
    namespace: context.namespace,
    acceptFrom: context.acceptApiAccessFrom,
  });
  // What the account said a moment ago counts where it documents its need, but not that it did not.
  const isRead = account.state === 'found' && account.stale === undefined;
  if (!isRead || access.state !== 'undocumented') return [];
  const volumes = new Set(
    listTokenSources(spec)
      .filter(({ isDefault }) => isDefault)
      .map(({ volume }) => volume),
  );
  if (volumes.size === 0) return [];
  const remove = (from: Draft) => [
    ...removeMounts(from, spec, volumes),
    ...removeVolumes(from, spec, volumes),
    setField(from, spec),
  ];
  if (findTokenReader(draft.current(), context.namespace) !== undefined) {
    // Whoever reads the default token may be given another one, which nobody knows before the tokens are injected.
    const trial = createDraft(draft.current());
    remove(trial);
    const world = injection && { settings: injection, context, namespace: subject.namespace };
    const injected = world && foreseeInjection(trial.current(), world);
    if (injected === undefined || findTokenReader(injected, context.namespace) !== undefined) return [];
  }
  return remove(draft);
}

/** From the last one to the first, so that the indexes of the others stay what they are. */
function removeMounts(draft: Draft, spec: JsonObject, volumes: ReadonlySet<string>): readonly Change[] {
  const removed: Change[] = [];
  for (const { container, path } of listMounts(spec, volumes).toReversed()) {
    removed.push({
      path: draft.remove(['spec', ...path]),
      detail: `the mount of the API token in container ${container} is removed`,
    });
  }
  return removed.toReversed();
}

/** As removeMounts. */
function removeVolumes(draft: Draft, spec: JsonObject, names: ReadonlySet<string>): readonly Change[] {
  const volumes = asArray(member(spec, 'volumes'));
  const removed: Change[] = [];
  for (let index = volumes.length - 1; index >= 0; index -= 1) {
    const name = asString(member(volumes[index], 'name')) ?? '';
    if (!names.has(name)) continue;
    removed.push({ path: draft.remove(['spec', 'volumes', index]), detail: `volume ${name} is removed` });
  }
  return removed.toReversed();
}

/** Also where the service account opted out: what is there was put there, and must not come back. */
function setField(draft: Draft, spec: JsonObject): Change {
  const before = member(spec, 'automountServiceAccountToken');
  draft.set(FIELD, false);
  return { path: toPointer(FIELD), detail: `${typeof before === 'boolean' ? before : 'not set'} is now false` };
}

/** What inject-token will add is the pod's too: a token for the API is one, whoever asked for it. */
function setLabel(subject: Subject, draft: Draft, { context, injection }: Settings): readonly Change[] {
  const world = injection && { settings: injection, context, namespace: subject.namespace };
  const pod = world === undefined ? draft.current() : foreseeInjection(draft.current(), world);
  const spec = member(pod, 'spec');
  // A pod that will be refused needs no label.
  if (!isObject(spec) || valueAt(pod, LABEL) === NO_TOKEN_VALUE) return [];
  if (listTokenSources(spec).some((source) => isApiToken(source, context.cluster.apiAudiences))) return [];
  draft.set(LABEL, NO_TOKEN_VALUE);
  return [{ path: toPointer(LABEL), detail: 'the label says that the pod holds no API token' }];
}
