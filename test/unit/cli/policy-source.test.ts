import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfigurationFile } from '../../../src/cli/configuration-file.ts';
import { createPolicySource } from '../../../src/cli/policy-source.ts';
import { createFakeClock, eventually } from '../../server/fake-clock.ts';

const HEAD = 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\n';
const BROKEN = `${HEAD}dryRun: maybe\n`;

let folder = '';
let file = '';
let stop = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curfew-policy-'));
  file = join(folder, 'configuration.yaml');
  await writeFile(file, HEAD);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

/** A running source, and a way to have it look at the file once. */
async function start() {
  const clock = createFakeClock();
  const reloads: string[] = [];
  const lines: string[] = [];
  const log = (_fields: object, message: string) => void lines.push(message);
  const source = createPolicySource({
    file,
    first: await loadConfigurationFile(file),
    ownToken: undefined,
    ownNamespace: 'curfew-system',
    release: 'curfew',
    clock,
    log: { info: log, warn: log, error: log },
    recorder: { configurationReload: (outcome) => void reloads.push(outcome) },
  });
  void source.run(stop.signal);
  const look = async (text?: string) => {
    if (text === undefined) await rm(file);
    else await writeFile(file, text);
    await eventually(() => clock.sleepers() === 1);
    clock.advance(5_000);
    await eventually(() => clock.sleepers() === 1);
  };
  return { source, look, reloads, lines };
}

describe('The policy in force', () => {
  it('follows the file', async () => {
    const { source, look, reloads } = await start();
    await look(`${HEAD}dryRun: true\n`);
    expect(source.current().configuration.dryRun).toBe(true);
    expect(reloads).toEqual(['accepted']);
  });

  it('stays when the file is broken or gone, and says each mistake once', async () => {
    const { source, look, reloads, lines } = await start();
    await look(BROKEN);
    await look(BROKEN);
    await look();
    expect(source.current().configuration.dryRun).toBe(false);
    expect(reloads).toEqual(['refused', 'refused']);
    expect(lines).toHaveLength(2);
  });

  it('says a mistake again that was taken back and made once more', async () => {
    const { look, reloads } = await start();
    await look(BROKEN);
    await look(HEAD);
    await look(BROKEN);
    expect(reloads).toEqual(['refused', 'refused']);
  });

  it('says nothing of a file that is written again with the same text', async () => {
    const { look, reloads, lines } = await start();
    await look(HEAD);
    expect({ reloads, lines }).toEqual({ reloads: [], lines: [] });
  });

  it('has the assumed audience and issuer of a cluster where nothing says better', async () => {
    const { source } = await start();
    expect(source.current().cluster.issuers).toContain('https://kubernetes.default.svc');
    expect(source.current().cluster.apiAudiences).toContain('https://kubernetes.default.svc');
  });
});
