import { expect, it } from 'vitest';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';

async function readMetrics(set: (recorder: ReturnType<typeof createPrometheusRecorder>) => void) {
  const recorder = createPrometheusRecorder('0.0.0', Date.now);
  set(recorder);
  const lines = (await recorder.render()).split('\n');
  return lines.filter((line) => /^curfew_(authority|webhooks_published|certificate_source)/.test(line));
}

it('The end of the CA and what is published are told as they are', async () => {
  const lines = await readMetrics((recorder) => {
    recorder.authorityLife({ notBefore: 1_000_000, notAfter: 2_000_000 });
    recorder.authorityLife({ notBefore: 1_500_000, notAfter: 3_000_000 });
    recorder.webhooksPublished(true);
    recorder.webhooksPublished(false);
  });
  expect(lines).toEqual([
    'curfew_authority_not_before_seconds 1500',
    'curfew_authority_not_after_seconds 3000',
    'curfew_webhooks_published 0',
  ]);
});

it('Where the certificate comes from is a label', async () => {
  expect(await readMetrics((recorder) => recorder.certificateSource('cert-manager'))).toEqual([
    'curfew_certificate_source{source="cert-manager"} 1',
  ]);
});

it('Neither is there where nobody knows it: an end in the year 1970 would be an alarm', async () => {
  expect(await readMetrics(() => undefined)).toEqual([]);
});

it('Whether this replica is ready is asked at each scrape', async () => {
  const recorder = createPrometheusRecorder('0.0.0', Date.now);
  const ready = async () => (await recorder.render()).match(/^curfew_ready .*$/m)?.[0];
  expect(await ready()).toBe('curfew_ready 0');
  let isReady = true;
  recorder.watchReadiness(() => isReady);
  expect(await ready()).toBe('curfew_ready 1');
  isReady = false;
  expect(await ready()).toBe('curfew_ready 0');
});
