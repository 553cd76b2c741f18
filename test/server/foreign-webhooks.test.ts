import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { valueAt } from '../../src/objects/json.ts';
import type { Lookup } from '../../src/objects/views.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { createForeignWebhookReport } from '../../src/server/foreign-webhooks.ts';
import { ADMITTED_POD, PLAIN_READER, review, startApp } from './start-app.ts';

const UNKNOWN = { state: 'unknown', why: 'no right' } as const;
const ROLE = new Map([['eks.amazonaws.com/role-arn', 'arn:aws:iam::111122223333:role/web']]);
const SHOP = { volume: 'shop-token', mountPath: '/var/run/shop', audience: 'shop', foreignWebhooks: ['shop-*'] };

function configure(options: JsonObject) {
  const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, mutations: { 'inject-token': options } });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.configuration;
}

/** A report, what it said, and what it counted last. */
function createReport(first: JsonObject) {
  const lines: string[] = [];
  const said = { configuration: configure(first), names: UNKNOWN as Lookup<readonly string[]> };
  let counts: ReadonlyMap<string, number> | undefined;
  const add = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  const report = createForeignWebhookReport({
    policy: () => said,
    reader: { mutatingWebhooks: () => said.names },
    recorder: {
      foreignWebhooks: (given) => {
        counts = given;
      },
    },
    log: { info: add('info'), warn: add('warn') },
  });
  return {
    lines,
    counts: () => (counts === undefined ? undefined : Object.fromEntries(counts)),
    see(names: Lookup<readonly string[]>) {
      said.names = names;
      report();
      return lines.splice(0);
    },
    configure(options: JsonObject) {
      said.configuration = configure(options);
      report();
      return lines.splice(0);
    },
  };
}

const found = (...value: readonly string[]) => ({ state: 'found', value }) as const;

describe('The report on foreign webhooks', () => {
  it('has a line for each preset when one appears and when it goes, and none in between', () => {
    const report = createReport({ triggers: ['stackit'], presets: { shop: SHOP } });
    expect(report.see(found('vault-agent-injector-cfg', 'istio-sidecar-injector'))).toEqual([]);
    expect(report.see(found('stackit-pod-identity-webhook', 'vault-agent-injector-cfg'))).toEqual([
      'warn a foreign webhook serves the scheme of this preset {"preset":"stackit","webhooks":["stackit-pod-identity-webhook"],"effect":"stands back"}',
    ]);
    expect(report.see(found('stackit-pod-identity-webhook'))).toEqual([]);
    expect(report.see(found('shop-a', 'shop-b', 'stackit-pod-identity-webhook'))).toEqual([
      'info a foreign webhook serves the scheme of this preset {"preset":"shop","webhooks":["shop-a","shop-b"],"effect":"is not triggered"}',
    ]);
    expect(report.counts()).toMatchObject({ stackit: 1, shop: 2, 'aws-irsa': 0, azure: 0 });
    expect(Object.keys(report.counts() ?? {})).not.toContain('vault');
    expect(report.see(found('shop-a', 'shop-b'))).toEqual([
      'info no foreign webhook serves the scheme of this preset any more {"preset":"stackit","webhooks":[],"effect":"stands back"}',
    ]);
    expect(report.counts()).toMatchObject({ stackit: 0, shop: 2 });
  });

  it('follows the configuration', () => {
    const report = createReport({});
    report.see(found('azure-wi-webhook-mutating-webhook-configuration'));
    const line = (effect: string) =>
      `warn a foreign webhook serves the scheme of this preset {"preset":"azure","webhooks":["azure-wi-webhook-mutating-webhook-configuration"],"effect":"${effect}"}`;
    expect(report.configure({ triggers: ['azure'] })).toEqual([line('stands back')]);
    expect(report.configure({ triggers: ['azure'], besideForeignWebhooks: ['azure'] })).toEqual([
      line('injects beside it'),
    ]);
    expect(report.configure({ triggers: ['azure'], besideForeignWebhooks: ['azure'] })).toEqual([]);
  });

  it('says once that it does not know, and only where it matters', () => {
    const report = createReport({ triggers: ['aws-irsa', 'azure'], besideForeignWebhooks: ['azure'] });
    expect(report.see(UNKNOWN)).toEqual([
      'warn not known which webhooks are registered: presets inject as if there were none {"presets":["aws-irsa"],"why":"no right"}',
    ]);
    expect(report.see(UNKNOWN)).toEqual([]);
    expect(report.counts()).toBeUndefined();
    expect(report.see(found())).toEqual([]);
    expect(report.see(UNKNOWN)).toHaveLength(1);
    expect(report.configure({})).toEqual([]);
  });
});

describe('A pod whose account has the annotation of a scheme', () => {
  const mutations = { 'inject-token': { triggers: ['aws-irsa'] }, 'short-lived-api-token': { mode: 'off' } };

  async function send(names: Lookup<readonly string[]>) {
    const reader = {
      ...PLAIN_READER,
      serviceAccount: async (namespace: string, name: string) =>
        ({ state: 'found', value: { namespace, name, automount: undefined, annotations: ROLE } }) as const,
      mutatingWebhooks: () => names,
    };
    const app = await startApp({ mutations }, reader);
    try {
      const { text } = await app.send('/mutate/pods', review('pods', ADMITTED_POD));
      const response = valueAt(JSON.parse(text), ['response']);
      return {
        note: valueAt(response, ['auditAnnotations', 'note']),
        isInjected: typeof valueAt(response, ['patch']) === 'string',
        counted: await app.metric('curfew_mutations_total{mutation="inject-token",decision="stand_back"'),
        lines: app.logLines.length,
      };
    } finally {
      await app.stop();
    }
  }

  it('is left to the webhook that is registered: noted and counted, without a line in the log', async () => {
    expect(await send(found('pod-identity-webhook'))).toEqual({
      note: 'inject-token: preset aws-irsa stands back: annotation eks.amazonaws.com/role-arn of service account shop/web is served by MutatingWebhookConfiguration pod-identity-webhook',
      isInjected: false,
      counted: 1,
      lines: 0,
    });
  });

  it('gets its token where none is, and where nobody knows', async () => {
    expect(await send(found())).toMatchObject({ note: undefined, isInjected: true, counted: 0 });
    expect(await send(UNKNOWN)).toMatchObject({
      note: 'inject-token: preset aws-irsa injects, not knowing whether a webhook of its scheme is registered: no right',
      isInjected: true,
      counted: 0,
    });
  });
});
