import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CleanupReport } from '../../../src/cleanup/report.ts';
import { publishMetrics } from '../../../src/cli/publish-metrics.ts';
import { JOB_METRICS, renderAuditMetrics, renderCleanupMetrics } from '../../../src/reports/job-metrics.ts';

const { signal } = new AbortController();
const NOW = Date.UTC(2026, 10, 26);

const CLEANUP: CleanupReport = {
  apiVersion: 'curfew.dev/v1alpha1',
  kind: 'CleanupReport',
  cluster: 'https://cluster.example:6443',
  step: 'delete',
  secrets: [],
  faults: [],
  stopped: { secret: 'shop/old', message: 'it is gone' },
  summary: { secrets: 9, toInvalidate: 1, toDelete: 2, held: 3, done: 4, remaining: 5 },
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-metrics-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('The gauges of a job', () => {
  it('are those of the table, each with its help and its labels', () => {
    const summary = {
      ...{ namespaces: 1, judged: 2, denied: 3, enforce: 4, warn: 5, audit: 6 },
      ...{ exempted: 7, undecided: 8, longLivedSecrets: 9, faults: 10, accounts: 11, pods: 12, podsWithToken: 13 },
      ...{ restarts: 14, accessPaths: 18, passed: 15, failed: 16, notVisible: 17 },
    };
    const text = renderAuditMetrics({ summary }, NOW) + renderCleanupMetrics(CLEANUP, NOW);
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples).toEqual([
      'curfew_audit_findings{mode="enforce"} 4',
      'curfew_audit_findings{mode="warn"} 5',
      'curfew_audit_findings{mode="audit"} 6',
      'curfew_audit_denied_objects 3',
      'curfew_audit_undecided 8',
      'curfew_audit_faults 10',
      'curfew_audit_long_lived_secrets 9',
      'curfew_audit_timestamp_seconds 1795651200',
      'curfew_cleanup_secrets{step="delete",state="remaining"} 5',
      'curfew_cleanup_secrets{step="delete",state="held"} 3',
      'curfew_cleanup_secrets{step="delete",state="done"} 4',
      'curfew_cleanup_faults{step="delete"} 0',
      'curfew_cleanup_stopped{step="delete"} 1',
      'curfew_cleanup_timestamp_seconds{step="delete"} 1795651200',
    ]);
    for (const { name, labels } of Object.values(JOB_METRICS)) {
      expect(text).toContain(`# TYPE ${name} gauge\n`);
      const sample = samples.find((line) => new RegExp(`^${name}[{ ]`).test(line)) ?? '';
      expect([...sample.matchAll(/([a-z]+)="/g)].map(([, label]) => label)).toEqual(labels);
    }
  });

  it('replace a file, and leave nothing beside it', async () => {
    const file = join(folder, 'curfew.prom');
    await publishMetrics(file, 'a 1\n', signal);
    await publishMetrics(file, 'a 2\n', signal);
    expect(readFileSync(file, 'utf8')).toBe('a 2\n');
    expect(readdirSync(folder)).toEqual(['curfew.prom']);
    await expect(publishMetrics(join(folder, 'no', 'curfew.prom'), 'a 1\n', signal)).rejects.toThrow(
      /^the metrics could not be written: /,
    );
  });

  it('are PUT to a Pushgateway, and a refusal is told without the address', async () => {
    const seen: string[] = [];
    const authorizations: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      let body = '';
      authorizations.push(request.headers.authorization);
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${body}`);
        response.statusCode = request.url === '/metrics/job/curfew' ? 202 : 400;
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await publishMetrics(`${url}/metrics/job/curfew`, 'a 1\n', signal);
    expect(seen).toEqual(['PUT /metrics/job/curfew a 1\n']);
    await expect(publishMetrics(`${url}/no`, 'a 1\n', signal)).rejects.toThrow(
      /^the metrics could not be written: the Pushgateway answered 400$/,
    );
    await publishMetrics(`${url.replace('//', '//jane:p%40ss@')}/metrics/job/curfew`, 'a 1\n', signal);
    expect(authorizations).toEqual([undefined, undefined, `Basic ${Buffer.from('jane:p@ss').toString('base64')}`]);
    server.close();
    server.closeAllConnections();
  });

  it.each([
    ['that nobody answers', 'http://jane:s3cret@127.0.0.1:1/metrics'],
    ['that is none', 'http://jane:s3cret@[::1/metrics'],
    ['with a name that is not encoded', 'http://jane:s3cret%zz@127.0.0.1:1/metrics'],
  ])('leave no password of a URL %s in the error', async (_what, url) => {
    const error = await publishMetrics(url, 'a 1\n', signal).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/^Error: the metrics could not be written: /);
    const told: string[] = [];
    for (let one = error; one instanceof Error; one = one.cause) told.push(one.stack ?? one.message);
    expect(told.join('\n')).not.toContain('s3cret');
  });
});
