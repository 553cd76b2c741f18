import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findTools } from '../scripts/tools.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { isObject, member } from '../src/objects/json.ts';
import { setUpSuite } from './suite.ts';
import { readPage, walk } from './walk-through.ts';

const suite = setUpSuite({});

const GUIDES = join(import.meta.dirname, '..', 'docs', 'guides');
const UPGRADE =
  '$ helm upgrade curfew charts/curfew --namespace curfew-system --reset-then-reuse-values --values values.yaml';

/** Each page, how many of its commands are run at least, and the first lines of the blocks that are not. */
const PAGES: readonly { readonly page: string; readonly commands: number; readonly notRun: readonly string[] }[] = [
  {
    page: 'vault-token.md',
    commands: 10,
    notRun: [
      UPGRADE,
      '$ vault auth enable jwt',
      '$ kubectl exec --namespace vault-guide deployment/web -- cat /var/run/curfew/vault/token |',
    ],
  },
  {
    page: 'replace-cloud-webhooks.md',
    commands: 10,
    notRun: [
      UPGRADE,
      '$ kubectl get mutatingwebhookconfiguration pod-identity-webhook -o yaml > pod-identity-webhook.yaml',
    ],
  },
  { page: 'no-api-tokens.md', commands: 10, notRun: [] },
];

describe.each(PAGES)('docs/guides/$page', ({ page, commands, notRun }) => {
  it('does what it says, from its first command to the last', async () => {
    const path = join(GUIDES, page);
    const read = await readPage(path);
    expect(read.notRun).toEqual(notRun);
    // What the page has Helm do.
    await suite.curfew.upgrade(configOf(read.file('values.yaml')));
    const folder = await mkdtemp(join(tmpdir(), 'curfew-guide-'));
    const { kubectl } = await findTools(['kubectl']);
    try {
      const { kubeconfig } = suite.cluster;
      expect(await walk(read, `docs/guides/${page}`, { folder, kubeconfig, kubectl })).toBeGreaterThanOrEqual(commands);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** The value `config` of the chart. */
function configOf(values: string): JsonObject {
  const config = member(parse(values), 'config');
  if (!isObject(config)) throw new Error('values.yaml of the page has no config');
  return config;
}
