/** Several forms of one audit, as files; what is published in a cluster is in e2e/audit.test.ts. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { replaceFile } from '../../../src/cli/replace-file.ts';
import { type AuditFormOptions, writeAudit } from '../../../src/cli/write-audit.ts';
import { createEmptyReport } from '../../audit-reports.ts';
import { run } from './run-command.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-audit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REPORT = {
  ...createEmptyReport(),
  longLivedSecrets: [],
  summary: {
    ...{ namespaces: 1, judged: 0, denied: 0, enforce: 0, warn: 0, audit: 0, exempted: 0, undecided: 0 },
    ...{ accounts: 0, pods: 0, podsWithToken: 0, longLivedSecrets: 0, restarts: 0, accessPaths: 0 },
    ...{ passed: 0, failed: 0, notVisible: 0, faults: 0 },
  },
};

async function write(options: Partial<AuditFormOptions>) {
  let [out, error] = ['', ''];
  const code = await writeAudit(REPORT, {
    client: {
      server: '',
      request: async () => Promise.reject(new Error('nobody is asked')),
      watch: () => Readable.from([]),
    },
    options: {
      warnings: false,
      output: 'table',
      policyReportGroup: 'openreports.io',
      publishPolicyReports: false,
      ...options,
    },
    io: {
      write: (text) => {
        out += text;
      },
      writeError: (text) => {
        error += text;
      },
      input: Readable.from([]),
      terminal: undefined,
      signal: new AbortController().signal,
    },
    older: undefined,
  });
  return { code, out, error };
}

describe('The files of an audit', () => {
  it('are each in the form that its ending says, beside what goes to standard output', async () => {
    const names = ['a.html', 'a.json', 'a.sarif', 'a.txt', 'a.yaml'];
    const { code, out, error } = await write({ outputFile: names.map((name) => join(folder, name)) });
    expect({ code, error }).toEqual({ code: 0, error: '' });
    const [html, json, sarif, table, policyReports] = names.map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(html).toMatch(/^<!doctype html>/i);
    expect(JSON.parse(json ?? '')).toMatchObject({ kind: 'AuditReport' });
    expect(JSON.parse(sarif ?? '')).toMatchObject({ version: '2.1.0' });
    expect(table).toBe(out);
    expect(parse(policyReports ?? 'no')).toBeNull();
    expect(readdirSync(folder).toSorted()).toEqual(names);
  });

  it('are written as far as they can be, and what cannot be is said', async () => {
    const lost = join(folder, 'none', 'a.html');
    const told = `curfew: ${lost} cannot be written (ENOENT)\n`;
    rmSync(join(folder, 'a.json'), { force: true });
    const files = { outputFile: [lost, join(folder, 'a.json')] };
    expect(await write(files)).toMatchObject({ code: 2, error: told });
    expect(readdirSync(folder)).toContain('a.json');
    expect(await write({ ...files, reportOnly: true })).toMatchObject({ code: 2, error: told });
  });

  it('stay what they were until the new one is whole', async () => {
    const file = join(folder, 'kept.html');
    writeFileSync(file, 'old');
    // A folder of that name cannot be made way for.
    mkdirSync(`${file}.tmp`);
    await expect(replaceFile(file, 'new')).rejects.toThrow('is a directory');
    expect(readFileSync(file, 'utf8')).toBe('old');
    rmSync(`${file}.tmp`, { recursive: true });
  });

  it('are not written through a link that somebody has put in their way', async () => {
    const [file, other] = [join(folder, 'linked.html'), join(folder, 'other')];
    writeFileSync(other, 'of somebody else');
    symlinkSync(other, `${file}.tmp`);
    symlinkSync(other, file);
    await replaceFile(file, 'new');
    expect(readFileSync(other, 'utf8')).toBe('of somebody else');
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it.each(['audit', '/dev/stdout', 'audit.pdf'])('are not named %s', async (name) => {
    const { code, error } = await run('audit', '--output-file', name);
    expect({ code, error }).toEqual({
      code: 64,
      error: expect.stringContaining('It ends in .html, .json, .sarif, .txt, .yaml.'),
    });
  });
});
