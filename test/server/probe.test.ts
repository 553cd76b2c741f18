import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { run } from '../unit/cli/run-command.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';
import { type StartedApp, startApp } from './start-app.ts';

const API = '/apis/admissionregistration.k8s.io/v1';
const RULES = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }];

let api: FakeApiServer;
let app: StartedApp;
beforeEach(async () => {
  [api, app] = await Promise.all([startFakeApiServer(), startApp()]);
});
afterEach(async () => {
  await Promise.all([api.stop(), app.stop()]);
});

describe('curfew probe', () => {
  it('says what it has seen of an installation that works', async () => {
    publish({ caBundle: app.ca });
    expect(await probe()).toEqual({
      code: 0,
      out: [
        'ValidatingWebhookConfiguration curfew: 1 webhooks have rules and a CA bundle',
        'MutatingWebhookConfiguration curfew: 1 webhooks have rules and a CA bundle',
        `Service localhost at 127.0.0.1:${app.port}: answers a review over TLS`,
        '',
      ].join('\n'),
      error: '',
    });
    expect(await app.metric('curfew_evaluations_total')).toBe(0);
  });

  it.each([
    ['the rules are not published', { rules: [] }, /secrets\.curfew\.dev has no rules or no CA bundle: no replica/],
    ['the CA bundle is that of another', { caBundle: 'api' }, /does not answer a review over TLS: .*certificate/],
    [
      'the certificate is for another name',
      { servingName: 'curfew.other.svc' },
      /does not answer a review over TLS: .*altname/,
    ],
    ['nobody listens there', { port: 1 }, /does not answer a review over TLS: .*ECONNREFUSED/],
  ])('fails and says so where %s', async (_what, { caBundle = 'own', rules = RULES, ...more }: Wrong, sentence) => {
    publish({ caBundle: caBundle === 'own' ? app.ca : api.ca, rules });
    const { code, out, error } = await probe(more);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toMatch(sentence);
  });

  it('fails where there are no webhook configurations', async () => {
    const { code, error } = await probe();
    expect(code).toBe(1);
    expect(error).toContain('ValidatingWebhookConfiguration curfew cannot be read');
  });
});

type Wrong = {
  readonly caBundle?: string;
  readonly rules?: readonly JsonObject[];
  readonly servingName?: string;
  readonly port?: number;
};

function publish({ caBundle, rules = RULES }: { readonly caBundle: string; readonly rules?: readonly JsonObject[] }) {
  for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']) {
    api.put(`${API}/${kind.toLowerCase()}s/curfew`, {
      kind,
      metadata: { name: 'curfew' },
      webhooks: [
        { name: 'secrets.curfew.dev', rules, clientConfig: { caBundle: Buffer.from(caBundle).toString('base64') } },
      ],
    });
  }
}

async function probe({ servingName = 'localhost', port = app.port }: Wrong = {}) {
  const args = ['--kubeconfig', api.kubeconfig, '--namespace', 'curfew-system', '--timeout-seconds', '0'];
  const where = ['--address', `127.0.0.1:${port}`, '--serving-name', servingName];
  return await run('probe', ...args, ...where);
}
