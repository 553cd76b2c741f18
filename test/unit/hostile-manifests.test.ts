import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { checkText } from '../fuzz/invariants.ts';
import { HOSTILE_OBJECTS } from '../hostile/objects.ts';
import { HOSTILE_STREAMS } from '../hostile/streams.ts';
import { IS_LONG } from '../long.ts';
import { runWith } from './cli/run-command.ts';

/** The webhook is asked about all of them in every test run; here ten thousand of anything take seconds. */
const OBJECTS = HOSTILE_OBJECTS.filter(({ object }) => IS_LONG || JSON.stringify(object()).length < 310_000);
const PATIENT = { timeout: 180_000 };

/** A report of this many characters is nobody's. */
const MOST_CHARACTERS = 4_000_000;
const ENFORCED = { apiVersion: 'curfew.dev/v1alpha1', kind: 'CurfewConfiguration', enforceTemplates: true };

async function check(input: string, ...options: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-hostile-'));
  try {
    const config = join(folder, 'curfew.json');
    writeFileSync(config, JSON.stringify({ ...ENFORCED, levels: { enforce: 'restricted' } }));
    return await runWith({ input }, 'check', '-', '--config', config, ...options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** With the account that it names, so that nothing is left undecided; of the account itself there is nothing to say. */
function withAccount(object: JsonObject): string {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } };
  const silent = { ...account, automountServiceAccountToken: false };
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [silent, object] });
}

describe('curfew check of a hostile object', PATIENT, () => {
  it.each(OBJECTS)('$name: ends with $code, in clean lines', async ({ object, code, says }) => {
    const { code: seen, out, error } = await check(withAccount(object()));
    expect({ code: seen, error }).toEqual({ code, error: '' });
    expect(out).toContain(says);
    expect(out.length).toBeLessThan(20_000);
    checkText(out, 'the report');
  });

  it.each(OBJECTS.filter(({ code }) => code === 1))('$name: is data in every other form', async ({ object }) => {
    for (const form of ['json', 'sarif', 'junit', 'github']) {
      const { code, out } = await check(withAccount(object()), '--output', form);
      expect({ form, code }).toEqual({ form, code: 1 });
      expect(out.length).toBeLessThan(MOST_CHARACTERS * 4);
      checkText(out, form);
    }
  });
});

describe('curfew check of a hostile stream', PATIENT, () => {
  it.each(HOSTILE_STREAMS)('$name: ends with $code, in clean lines', async ({ text, code, says }) => {
    const { code: seen, out, error } = await check(text());
    expect({ code: seen, error }).toEqual({ code, error: '' });
    expect(out).toMatch(says);
    checkText(out, 'the report');
    expect(out.length).toBeLessThan(MOST_CHARACTERS);
  });
});
