/** The scenes of the access graph that are walked by what looks at all that is written, or changes it. */

import { valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { startSpyingWebhook } from './spying-webhook.ts';
import { container, core, MERGE, readToken, type Walk, whoIs } from './walking.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** So that the scenes beside it are left alone. */
const only = (namespace: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } });

/** By the title of the scene. */
export const ADMISSION_WALKS: Readonly<Record<string, Walk>> = {
  'a webhook that changes what is written': async ({ send, user }) => {
    const client = {
      clientConfig: { url: 'https://walker.example/' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    };
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }];
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: user },
      webhooks: [{ name: 'walker.example.com', ...client, rules }],
    };
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    await send(`${path}?dryRun=All`, { method: 'POST', body });
    return undefined;
  },
  'a webhook that is shown what is written': async ({ send, admin, namespace, user }) => {
    const spy = await startSpyingWebhook();
    const path = `${ADMISSION}/validatingwebhookconfigurations`;
    try {
      const rules = [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets', 'serviceaccounts/token'], operations: ['*'] },
      ];
      const body = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: user },
        webhooks: [
          {
            name: 'spy.example.com',
            clientConfig: spy.clientConfig,
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            rules,
            namespaceSelector: only(namespace),
          },
        ],
      };
      await send(path, { method: 'POST', body });
      // Whatever anybody writes of the Secret: the API server itself notes when its token was used.
      let token = '';
      await waitUntil('the webhook is shown the Secret', async () => {
        const touched = { metadata: { annotations: { touched: String(spy.shown.length) } } };
        await admin(core(namespace, 'secrets/old'), { method: 'PATCH', contentType: MERGE, body: touched });
        token = readToken(spy.shown.map((request) => valueAt(request, ['object'])).findLast((one) => readToken(one)));
        return token !== '';
      });
      // A token that is asked for is made afterwards: no webhook is shown it.
      await admin(core(namespace, 'serviceaccounts/db/token'), {
        method: 'POST',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
      });
      const asked = spy.shown.filter((request) => valueAt(request, ['subResource']) === 'token');
      if (asked.length === 0) throw new Error('no request for a token was shown');
      if (asked.some((request) => valueAt(request, ['object', 'status', 'token'])))
        throw new Error('a webhook is shown the token that was asked for');
      return await whoIs(admin, token);
    } finally {
      await admin(`${path}/${user}`, { method: 'DELETE' }).catch(() => undefined);
      spy.close();
    }
  },
  'a policy that changes every pod': async ({ send, admin, namespace, user }) => {
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }];
    const expression =
      'Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, image: "registry.example/walker:1"})}}';
    const paths = ['policies', 'policybindings'].map((kind) => `${ADMISSION}/mutatingadmission${kind}`);
    const [policies = '', bindings = ''] = paths;
    const apiVersion = 'admissionregistration.k8s.io/v1';
    try {
      const policy = {
        matchConstraints: { resourceRules, namespaceSelector: only(namespace) },
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
      };
      await send(policies, {
        method: 'POST',
        body: { apiVersion, kind: 'MutatingAdmissionPolicy', metadata: { name: user }, spec: policy },
      });
      await send(bindings, {
        method: 'POST',
        body: {
          apiVersion,
          kind: 'MutatingAdmissionPolicyBinding',
          metadata: { name: user },
          spec: { policyName: user },
        },
      });
      let count = 0;
      await waitUntil('a pod of somebody else runs the image of the walker', async () => {
        count += 1;
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `changed-${count}` },
          spec: { serviceAccountName: 'db', containers: [container] },
        };
        const made = await admin(core(namespace, 'pods?dryRun=All'), { method: 'POST', body });
        return valueAt(made, ['spec', 'containers', 0, 'image']) === 'registry.example/walker:1';
      });
      return undefined;
    } finally {
      for (const path of paths) await admin(`${path}/${user}`, { method: 'DELETE' }).catch(() => undefined);
    }
  },
};
