import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION } from '../objects/api-access.ts';
import {
  exampleCronJob,
  exampleDeployment,
  examplePod,
  exampleServiceAccount,
  exampleTokenVolume,
} from '../objects/example-objects.ts';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, member, toPointer } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import type { Finding, Outcome } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import {
  describeOwnAccount,
  findApiTokensOfPod,
  judgePodSpecs,
  keepFirstOfEachKey,
  keyOfPart,
  READS_PODS_AND_TEMPLATES,
} from './pod-bearing.ts';

const DEFAULT_ACCOUNT = 'default';
const RBAC_GROUP = 'rbac.authorization.k8s.io';
/** The name by which the API server knows a service account (apiserver, pkg/authentication/serviceaccount/util.go). */
const ACCOUNT_USER = /^system:serviceaccount:([a-z0-9-]+):default$/;

export default defineCheck({
  id: 'default-service-account',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [
    ...READS_PODS_AND_TEMPLATES,
    { group: RBAC_GROUP, resource: 'rolebindings', operations: ['CREATE', 'UPDATE'] },
    { group: RBAC_GROUP, resource: 'clusterrolebindings', operations: ['CREATE', 'UPDATE'] },
  ],
  needs: ['serviceAccount'],
  title: 'pods that run as the service account `default` with an API token, and bindings that give it rights',
  why: `Every pod of a namespace that names no service account runs as default. What one of them may do, all of them may do,
those that nobody thought of included, and the API server's audit log cannot tell them apart. That is why a reason
documented on default does not count here: it would be the reason of a namespace and not of a workload. A workload that
uses the API gets an account of its own, which costs one object.`,
  fix: (subject) => (isBinding(subject) ? describeBindingFix(subject.namespace) : describePodFix(subject)),
  shortFix: (subject) => (isBinding(subject) ? 'bind an account of its own' : 'give it one of its own, or no token'),
  evaluate(subject, _settings, context) {
    if (isBinding(subject)) return keepFirstOfEachKey(judgeSubjects(subject));
    return judgePodSpecs(subject, context, judgePodSpec);
  },
  examples: [
    {
      title: 'A pod that names no account',
      level: 'restricted',
      subject: { object: withoutAccount(examplePod()) },
      expect: ['default/token'],
    },
    {
      title: 'An init container and a native sidecar hold it too: the pod is told once',
      level: 'restricted',
      subject: {
        object: withoutAccount(
          examplePod({
            initContainers: [
              { name: 'migrate', image: 'registry.example/migrate:1' },
              { name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' },
            ],
          }),
        ),
      },
      expect: ['default/token'],
    },
    {
      title: 'A Deployment that says default',
      level: 'restricted',
      subject: { object: exampleDeployment({ serviceAccountName: DEFAULT_ACCOUNT }) },
      expect: ['default/token'],
    },
    {
      title: 'A CronJob with a hand-written API token',
      level: 'restricted',
      subject: {
        object: exampleCronJob({
          serviceAccountName: DEFAULT_ACCOUNT,
          automountServiceAccountToken: false,
          volumes: [exampleTokenVolume({ expirationSeconds: 3_600 })],
        }),
      },
      expect: ['default/token'],
    },
    {
      title: 'A reason on the account of the whole namespace',
      level: 'restricted',
      subject: { object: exampleDeployment({ serviceAccountName: DEFAULT_ACCOUNT }) },
      context: {
        serviceAccount: {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: {
            name: DEFAULT_ACCOUNT,
            namespace: 'shop',
            annotations: { [API_ACCESS_ANNOTATION]: 'lists endpoints' },
          },
        },
      },
      expect: ['default/token'],
    },
    {
      title: 'A RoleBinding, also where the namespace of the subject is left out',
      level: 'restricted',
      subject: { object: binding('RoleBinding', [{ kind: 'ServiceAccount', name: DEFAULT_ACCOUNT }]) },
      expect: ['shop/default'],
    },
    {
      title: 'A ClusterRoleBinding, also by the name of the user',
      level: 'restricted',
      subject: {
        object: binding('ClusterRoleBinding', [
          { kind: 'ServiceAccount', name: DEFAULT_ACCOUNT, namespace: 'shop' },
          { kind: 'User', apiGroup: RBAC_GROUP, name: 'system:serviceaccount:ci:default' },
        ]),
      },
      expect: ['shop/default', 'ci/default'],
    },
    {
      title: 'A subject that is there twice is told once, where it comes first',
      level: 'restricted',
      subject: {
        object: binding(
          'ClusterRoleBinding',
          ['ci', 'shop', 'ci'].map((namespace) => ({ kind: 'ServiceAccount', name: DEFAULT_ACCOUNT, namespace })),
        ),
      },
      expect: ['ci/default', 'shop/default'],
    },
    {
      title: 'A pod that runs as default without a token',
      level: 'restricted',
      subject: { object: examplePod({ serviceAccountName: DEFAULT_ACCOUNT, automountServiceAccountToken: false }) },
      expect: 'allowed',
    },
    {
      title: 'A pod that runs as default with a token for another audience',
      level: 'restricted',
      subject: {
        object: examplePod({
          serviceAccountName: DEFAULT_ACCOUNT,
          automountServiceAccountToken: false,
          volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 })],
        }),
      },
      expect: 'allowed',
    },
    {
      title: 'A Deployment with an account of its own',
      level: 'restricted',
      subject: { object: exampleDeployment() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' }) },
      expect: 'allowed',
    },
    {
      title: 'A RoleBinding of another account',
      level: 'restricted',
      subject: { object: binding('RoleBinding', [{ kind: 'ServiceAccount', name: 'web', namespace: 'shop' }]) },
      expect: 'allowed',
    },
  ],
});

function judgePodSpec(pod: FoundPodSpec, context: RuleContext, subject: Subject): readonly Outcome[] {
  if (serviceAccountOf(pod.spec) !== DEFAULT_ACCOUNT) return [];
  const tokens = findApiTokensOfPod(subject, pod, context);
  if (tokens.sources.length > 0 || tokens.addsDefault === true) {
    const hasField = asString(member(pod.spec, 'serviceAccountName')) === DEFAULT_ACCOUNT;
    return [
      {
        path: toPointer(hasField ? [...pod.path, 'serviceAccountName'] : pod.path),
        key: keyOfPart(pod, 'token'),
        reason: 'the account of the whole namespace',
        detail: `${hasField ? 'serviceAccountName: default' : 'without a serviceAccountName it runs as default, which'} is the account of every pod in namespace ${subject.namespace} that names none, and an API token of it is mounted.`,
        fix: describePodFix(subject),
      },
    ];
  }
  if (tokens.addsDefault !== 'unknown') return [];
  const detail = `cannot tell whether a token of service account ${subject.namespace}/default is mounted: ${tokens.why}`;
  return [{ undecided: true, needs: 'serviceAccount', detail }];
}

function describePodFix(subject: Subject): string {
  return `set automountServiceAccountToken: false in the pod spec; or, if it calls the Kubernetes API, ${describeOwnAccount(subject)}`;
}

function describeBindingFix(namespace: string): string {
  return `name the account of the workload that needs the rights: subjects: [{kind: ServiceAccount, name: NAME, namespace: ${nameForCommand(namespace, 'NAMESPACE')}}]`;
}

function isBinding({ resource }: Subject): boolean {
  return resource.group === RBAC_GROUP;
}

function judgeSubjects(subject: Subject): readonly Finding[] {
  return asArray(member(subject.object, 'subjects')).flatMap((bound, index) => {
    const namespace = namespaceOfDefault(bound, subject.namespace);
    if (namespace === undefined) return [];
    return [
      {
        path: toPointer(['subjects', index]),
        key: `${namespace}/${DEFAULT_ACCOUNT}`,
        reason: 'rights for the account of a whole namespace',
        detail: `subject ${quote(`${namespace}/${DEFAULT_ACCOUNT}`)} is the account of every pod in that namespace that names none; all of them get these rights.`,
        fix: describeBindingFix(namespace),
      },
    ];
  });
}

/**
 * The namespace whose default account this subject is. In a RoleBinding it may be left out, and is then the binding's
 * own (plugin/pkg/auth/authorizer/rbac, appliesToUser).
 */
function namespaceOfDefault(bound: JsonValue, ofBinding: string): string | undefined {
  const name = asString(member(bound, 'name')) ?? '';
  switch (member(bound, 'kind')) {
    case 'ServiceAccount':
      return name === DEFAULT_ACCOUNT ? asString(member(bound, 'namespace')) || ofBinding : undefined;
    case 'User':
      return ACCOUNT_USER.exec(name)?.[1];
    default:
      return undefined;
  }
}

function withoutAccount(pod: JsonObject): JsonObject {
  const { serviceAccountName: _name, ...spec } = pod['spec'] as JsonObject;
  return { ...pod, spec };
}

function binding(kind: 'RoleBinding' | 'ClusterRoleBinding', subjects: readonly JsonObject[]): JsonObject {
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind,
    metadata: { name: 'readers', ...(kind === 'RoleBinding' ? { namespace: 'shop' } : {}) },
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: 'view' },
    subjects,
  };
}
