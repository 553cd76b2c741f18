import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventLine } from '../audit-log/events.ts';
import { run, runWith } from './run-command.ts';

const LOG = [
  eventLine({ verb: 'list', objectRef: { resource: 'pods', namespace: 'shop' } }),
  eventLine({ annotations: { 'authentication.k8s.io/stale-token': 'subject: …' }, at: '2026-11-26T06:30:00Z' }),
  eventLine({
    account: 'ci:deployer',
    extra: {},
    annotations: { 'authentication.k8s.io/legacy-token-manual-secret': 'ci/deployer-token' },
  }),
  eventLine({
    account: 'ci:deployer',
    extra: {},
    verb: 'create',
    objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: 'web' },
    more: { requestObject: { spec: { expirationSeconds: 86_400, audiences: ['vault'] } } },
  }),
].join('\n');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-usage-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('curfew usage', () => {
  it.each(['table', 'json', 'manifests'])('says as %s who did what with which token', async (output) => {
    const { code, out, error } = await runWith({ input: LOG }, 'usage', '--output', output, '--audit-log', '-');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    await expect(out).toMatchFileSnapshot(join(import.meta.dirname, `../../golden/usage/${output}.txt`));
  });

  it('reads files and gzip, whatever they are called, as one log', async () => {
    writeFileSync(join(folder, 'audit.log'), `${LOG}\n`);
    writeFileSync(join(folder, 'audit-1.log'), gzipSync(LOG));
    const { out } = await run(
      'usage',
      '-o',
      'json',
      '--audit-log',
      join(folder, 'audit.log'),
      join(folder, 'audit-1.log'),
    );
    expect(JSON.parse(out)).toMatchObject({ requests: 8, skippedLines: 0 });
  });

  it('counts lines that are no events, and reads on', async () => {
    const { code, out } = await runWith({ input: `no json\n${LOG}\n{"kind":"Event"}\n` }, 'usage', '--audit-log', '-');
    expect(code).toBe(0);
    expect(out).toContain(
      '4 requests from 2026-11-26 05:00:00 UTC to 2026-11-26 06:30:00 UTC; 2 lines could not be read',
    );
  });

  it('says which file could not be read to its end, and what was read of it', async () => {
    const packed = gzipSync(`${LOG}\n`.repeat(100));
    writeFileSync(join(folder, 'broken.gz'), packed.subarray(0, packed.length - 20));
    const { code, out, error } = await run(
      'usage',
      '-o',
      'json',
      '--audit-log',
      join(folder, 'broken.gz'),
      join(folder, 'missing'),
    );
    expect(code).toBe(2);
    expect(JSON.parse(out).requests).toBeGreaterThan(0);
    expect(error).toContain('broken.gz cannot be read to its end: ');
    expect(error).toContain('missing cannot be read to its end: ');
  });

  it('is no success where there is nothing', async () => {
    const { code, error } = await runWith({ input: '' }, 'usage', '--audit-log', '-');
    expect({ code, error }).toEqual({
      code: 2,
      error: 'curfew: there is no request in it; audit events (audit.k8s.io/v1) are expected, one a line\n',
    });
  });
});
