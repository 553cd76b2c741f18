/** A namespace in which nothing is enforced, with one of everything that an audit tells. */

import { execFile } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';
import { findTools } from '../scripts/tools.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { valueAt } from '../src/objects/json.ts';
import { decodeJwtClaims } from '../src/objects/jwt.ts';
import type { TestCluster } from './test-cluster.ts';
import { deployment, pod, tokenSecret } from './test-cluster.ts';

const run = promisify(execFile);

export type QuietNamespace = {
  readonly name: string;
  /** A MutatingWebhookConfiguration that is called for no namespace. */
  readonly injector: string;
  /** A ValidatingAdmissionPolicy that only audits. */
  readonly policy: string;
  /** For how long a token is really valid that is asked for as a kubelet asks for it, in seconds. */
  measure(audience: string | undefined, seconds: number): Promise<number>;
  /** Runs a command that was printed for people. */
  runInShell(command: string): Promise<void>;
  remove(): Promise<void>;
};

const NO_NAMESPACE = { matchLabels: { 'example.com/none': 'none' } };
const POD_RULE = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] };
const PODS_MADE_SECONDS = 15;

export async function makeQuietNamespace(cluster: TestCluster): Promise<QuietNamespace> {
  const { must, kubectl, kubeconfig } = cluster;
  const off = Object.fromEntries(['enforce', 'warn', 'audit'].map((mode) => [`curfew.dev/${mode}`, 'off']));
  const name = await cluster.createNamespace({ ...off, 'pod-security.kubernetes.io/enforce': 'restricted' });
  const [injector, policy] = [`istio-sidecar-injector-${name}`, `require-token-disabled-${name}`];
  const write = async (object: JsonObject) => await must(['create', '-n', name, '-f', '-'], object);
  for (const object of listObjects(name, { injector, policy })) await write(object);
  await must([
    'wait',
    'deployment/api',
    '-n',
    name,
    '--for=jsonpath={.status.replicas}=2',
    `--timeout=${PODS_MADE_SECONDS}s`,
  ]);

  return {
    name,
    injector,
    policy,
    async measure(audience, seconds) {
      const uid = await must(['get', 'pod', 'hand', '-n', name, '-o', 'jsonpath={.metadata.uid}']);
      const bound = ['--bound-object-kind=Pod', '--bound-object-name=hand', `--bound-object-uid=${uid}`];
      const more = audience === undefined ? [] : [`--audience=${audience}`];
      const token = await must(['create', 'token', 'web', '-n', name, `--duration=${seconds}s`, ...bound, ...more]);
      const claims = decodeJwtClaims(token.trim());
      return Number(valueAt(claims, ['exp'])) - Number(valueAt(claims, ['iat']));
    },
    async runInShell(command) {
      const { kubectl: binary } = await findTools(['kubectl']);
      const path = [dirname(binary), process.env['PATH'] ?? ''].join(delimiter);
      await run('sh', ['-c', command], { env: { ...process.env, PATH: path, KUBECONFIG: kubeconfig } });
    },
    async remove() {
      await kubectl.run(['delete', 'mutatingwebhookconfiguration', injector]);
      await kubectl.run(['delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', policy]);
      await kubectl.run(['delete', 'namespace', name, '--wait=false']);
    },
  };
}

function listObjects(namespace: string, others: Pick<QuietNamespace, 'injector' | 'policy'>): readonly JsonObject[] {
  const api = (version: string, kind: string, name: string, more: JsonObject): JsonObject => {
    return { apiVersion: version, kind, metadata: { name }, ...more };
  };
  const rbac = 'rbac.authorization.k8s.io';
  const robot = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      name: 'robot',
      annotations: {
        'curfew.dev/api-access': 'reads Secrets',
        'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web',
      },
    },
    automountServiceAccountToken: false,
    secrets: [{ name: 'listed' }],
  };
  return [
    robot,
    tokenSecret('listed', 'robot'),
    tokenSecret('manual', 'web'),
    restrict(deployment('api', { automountServiceAccountToken: true }), 2),
    pod('bare', RESTRICTED),
    pod('hand', {
      ...RESTRICTED,
      automountServiceAccountToken: false,
      volumes: [
        { name: 'own', ...tokenOf({ expirationSeconds: 3607 }) },
        { name: 'vault', ...tokenOf({ audience: 'vault', expirationSeconds: 700 }) },
        { name: 'manual', secret: { secretName: 'manual' } },
      ],
    }),
    api(`${rbac}/v1`, 'Role', 'reader', { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] }),
    api(`${rbac}/v1`, 'RoleBinding', 'reader', {
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace }],
    }),
    api('networking.k8s.io/v1', 'NetworkPolicy', 'egress', { spec: { podSelector: {}, policyTypes: ['Egress'] } }),
    api('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', others.injector, {
      webhooks: [
        {
          name: 'inject.example.com',
          rules: [POD_RULE],
          namespaceSelector: NO_NAMESPACE,
          failurePolicy: 'Ignore',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          clientConfig: { url: 'https://127.0.0.1:9/inject' },
        },
      ],
    }),
    api('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', others.policy, {
      spec: {
        matchConstraints: { resourceRules: [POD_RULE] },
        validations: [{ expression: 'object.spec.automountServiceAccountToken == false' }],
      },
    }),
    api('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', others.policy, {
      spec: {
        policyName: others.policy,
        validationActions: ['Audit'],
        matchResources: { namespaceSelector: NO_NAMESPACE },
      },
    }),
  ];
}

/** What Pod Security asks for at restricted. */
const SECURE = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const RESTRICTED: JsonObject = {
  automountServiceAccountToken: true,
  containers: [{ name: 'app', image: 'registry.example/web:1', securityContext: SECURE }],
};

function restrict(workload: JsonObject, replicas: number): JsonObject {
  const spec = workload['spec'] as JsonObject;
  const template = spec['template'] as JsonObject;
  const podSpec = { ...(template['spec'] as JsonObject), ...RESTRICTED };
  // Without nodes no new pod is ever ready, and a rolling update would wait for one.
  const strategy = { type: 'Recreate' };
  return { ...workload, spec: { ...spec, replicas, strategy, template: { ...template, spec: podSpec } } };
}

function tokenOf(token: JsonObject): JsonObject {
  return { projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }] } };
}
