import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findApiServerBlocks, toBlock } from '../../../src/cli/api-server-blocks.ts';
import type { KubeClient } from '../../../src/kube/api.ts';
import { run, runWith } from './run-command.ts';

const render = (...argv: readonly string[]) => run('render', 'network-policy', ...argv);

const policiesOf = (text: string) =>
  parseAllDocuments(text).map((document) => document.toJS() as { metadata: { namespace: string }; spec: object });

describe('curfew render network-policy', () => {
  it('allows every address but those of the API server, for pods without a token alone', async () => {
    const { code, out } = await render('-n', 'shop', '--api-server', '192.0.2.10', '10.96.0.0/28', '2001:db8::a');
    expect(code).toBe(0);
    expect(policiesOf(out).map(({ spec }) => spec)).toEqual([
      {
        podSelector: { matchLabels: { 'curfew.dev/api-token': 'none' } },
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: ['192.0.2.10/32', '10.96.0.0/28'] } },
              { ipBlock: { cidr: '::/0', except: ['2001:db8::a/128'] } },
              { namespaceSelector: {} },
            ],
          },
        ],
      },
    ]);
  });

  it('says its limits before the first policy', async () => {
    const { out } = await render('-n', 'shop', '--api-server', '192.0.2.10');
    const head = out.split('---')[0] ?? '';
    expect(head.split('\n').filter((line) => line !== '' && !line.startsWith('# '))).toEqual([]);
    for (const word of ['enforce', 'add up', 'label', 'network of their node', 'proxy', 'change', 'ports', 'DNS']) {
      expect(head).toContain(word);
    }
  });

  it('writes one for each namespace of manifests, but for those that are left alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-network-'));
    const config = join(folder, 'curfew.yaml');
    writeFileSync(config, 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\nexcludedNamespaces: [old]\n');
    const names = ['web', 'shop', 'web', 'old', 'kube-system'];
    const input = names
      .map((name) => `kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: ${name}}\n`)
      .join('---\n');
    const namespace = '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n';
    const argv = ['render', 'network-policy', '-', '--api-server', '192.0.2.10', '--config', config];
    const { code, out } = await runWith({ input: input + namespace }, ...argv);
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    expect(policiesOf(out).map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'team', 'web']);
  });

  it.each([
    [['-n', 'shop', '--api-server', 'api.example'], '"api.example" is neither an address nor a block of addresses'],
    [['-n', 'shop', '--api-server', '0.0.0.0/0'], '"0.0.0.0/0" needs a length of 1 to 32'],
    [['-'], 'files do not say where the API server is: name its addresses with --api-server'],
    [['-', '--api-server', '192.0.2.10'], 'there is no namespace to write a policy for'],
    [['-n', 'kube-system', '--api-server', '192.0.2.10'], 'there is no namespace to write a policy for'],
  ])('says what is wrong: %j', async (argv, sentence) => {
    const { code, error } = await render(...argv);
    expect(code).toBe(1);
    expect(error).toContain(sentence);
  });
});

describe('the addresses of an API server', () => {
  /** Answers by path. */
  const clientOf = (answers: Readonly<Record<string, unknown>>): KubeClient => ({
    server: 'https://192.0.2.10:6443',
    request: async ({ path }) => {
      const body = answers[path.split('/').at(-1) ?? ''];
      return body === undefined ? { status: 403, body: { reason: 'Forbidden' } } : { status: 200, body };
    },
    watch: async function* () {},
  });
  const signal = new AbortController().signal;
  const service = { spec: { clusterIPs: ['10.96.0.1', 'fd00::1'] } };

  it('are those of the Service and those behind it', async () => {
    const endpointslices = { items: [{ endpoints: [{ addresses: ['192.0.2.10'] }, { addresses: ['192.0.2.11'] }] }] };
    expect(await findApiServerBlocks(clientOf({ kubernetes: service, endpointslices }), signal)).toEqual([
      '10.96.0.1/32',
      'fd00::1/128',
      '192.0.2.10/32',
      '192.0.2.11/32',
    ]);
  });

  it.each([
    ['the Service', { endpointslices: { items: [] } }, 'services/kubernetes cannot be read: HTTP 403 Forbidden'],
    ['what is behind it', { kubernetes: service }, 'endpointslices cannot be listed: HTTP 403 Forbidden'],
    ['any of them', { kubernetes: service, endpointslices: { items: [] } }, 'holds no address of the API server'],
  ])('are missed with a sentence: %s', async (_what, answers, sentence) => {
    await expect(findApiServerBlocks(clientOf(answers), signal)).rejects.toThrow(sentence);
  });

  it.each([['192.0.2.10/33'], ['192.0.2.10/a'], ['192.0.2.10/8/8'], ['fe80::1%eth0'], ['300.1.1.1'], ['']])(
    'are none of these: %s',
    (text) => {
      expect(() => toBlock(text)).toThrow(/is neither an address nor a block|needs a length of 1 to/);
    },
  );
});
