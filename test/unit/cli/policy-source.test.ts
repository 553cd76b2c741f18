import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfigurationFile, parseConfiguration } from '../../../src/cli/configuration-file.ts';
import { createPolicySource, type PolicySource } from '../../../src/cli/policy-source.ts';
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
async function start(at?: number) {
  const clock = createFakeClock(at);
  const reloads: string[] = [];
  const current: boolean[] = [];
  const lines: string[] = [];
  /** What was in force each time that it was said to have changed. */
  const changes: boolean[] = [];
  const ends: (readonly (readonly [string, number])[])[] = [];
  const parsed: string[] = [];
  const log = (_fields: object, message: string) => void lines.push(message);
  const source: PolicySource = createPolicySource({
    file,
    first: await loadConfigurationFile(file),
    ownToken: undefined,
    ownNamespace: 'curfew-system',
    release: 'curfew',
    clock,
    log: { info: log, warn: log, error: log },
    recorder: {
      configurationReload: (outcome) => void reloads.push(outcome),
      configurationCurrent: (isCurrent) => void current.push(isCurrent),
      exemptionEnds: (given) => void ends.push(given.map(({ name, end }) => [name, end])),
    },
    parse: (from, text) => {
      parsed.push(text);
      return parseConfiguration(from, text);
    },
    onChange: () => void changes.push(source.current().configuration.dryRun),
  });
  void source.run(stop.signal);
  const look = async (text?: string) => {
    if (text === undefined) await rm(file);
    else await writeFile(file, text);
    await eventually(() => clock.sleepers() === 1);
    clock.advance(5_000);
    await eventually(() => clock.sleepers() === 1);
  };
  return { source, look, reloads, current, changes, lines, ends, parsed, clock };
}

describe('The policy in force', () => {
  it('follows the file', async () => {
    const { source, look, reloads, changes } = await start();
    await look(`${HEAD}dryRun: true\n`);
    expect(source.current().configuration.dryRun).toBe(true);
    expect(reloads).toEqual(['accepted']);
    await look(BROKEN);
    expect(changes).toEqual([true]);
  });

  it('tells of keys that a new preset reads and the index of this process does not keep', async () => {
    const { look, reloads, lines } = await start();
    const preset = (annotation: string) =>
      `${HEAD}mutations: {inject-token: {presets: {shop: {volume: v, mountPath: /v, audience: "\${role}", parameters: {role: {annotation: ${annotation}}}}}}}\n`;
    await look(preset('eks.amazonaws.com/role-arn'));
    expect({ reloads, lines }).toEqual({ reloads: ['accepted'], lines: ['the new configuration is in force'] });
    await look(preset('shop.example/role'));
    expect(lines.slice(1)).toEqual([
      'the new configuration is in force',
      'its presets read keys that are not kept until Curfew starts again',
    ]);
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

  it('says all the while whether what is in the file is in force, also when the old text is back', async () => {
    const { look, current } = await start();
    await look(HEAD);
    await look(BROKEN);
    await look(BROKEN);
    await look(HEAD);
    expect(current).toEqual([true, false, false, true]);
  });

  it('says a mistake again that was taken back and made once more', async () => {
    const { look, reloads } = await start();
    await look(BROKEN);
    await look(HEAD);
    await look(BROKEN);
    expect(reloads).toEqual(['refused', 'refused']);
  });

  it('reads what is in the file once, whether it is taken or refused: nobody is answered meanwhile', async () => {
    const { look, parsed } = await start();
    await look(HEAD);
    await look(HEAD);
    expect(parsed).toEqual([]);
    const other = `${HEAD}dryRun: true\n`;
    for (const text of [other, other, BROKEN, BROKEN, other, BROKEN]) await look(text);
    // The second time that it is back, what is in force has not changed.
    expect(parsed).toEqual([other, BROKEN, BROKEN]);
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

  it('tells of each exemption once when it comes near its end, and once when it is there', async () => {
    const end = Date.UTC(2027, 2, 2);
    const rule = (name: string, ending: string) =>
      `    - { name: ${name}, match: { names: [a] }, reason: r, owner: o, ${ending} }\n`;
    await writeFile(
      file,
      `${HEAD}exemptions:\n  rules:\n${rule('soon', 'expires: 2027-03-01')}${rule('never', 'permanent: true')}`,
    );
    const { look, lines, ends, clock } = await start(end - 14 * 86_400_000 - 5_000);
    expect({ lines, ends }).toEqual({ lines: [], ends: [[['soon', end]]] });
    const text = await readFile(file, 'utf8');
    await look(text);
    await look(text);
    expect(lines).toEqual(['an exemption ends soon']);
    clock.advance(14 * 86_400_000);
    await eventually(() => clock.sleepers() === 1);
    await look(text);
    await look(text);
    expect(lines.slice(1)).toEqual(['an exemption has ended: what it removed is denied and warned about again']);
    await look(HEAD);
    expect(ends.at(-1)).toEqual([]);
  });
});
