import { expect, it } from 'vitest';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';

async function readMetrics(set: (recorder: ReturnType<typeof createPrometheusRecorder>) => void) {
  const recorder = createPrometheusRecorder('0.0.0', Date.now);
  set(recorder);
  const lines = (await recorder.render()).split('\n');
  return lines.filter((line) => /^curfew_(authority|webhooks_published)/.test(line));
}

it('The end of the CA and what is published are told as they are', async () => {
  const lines = await readMetrics((recorder) => {
    recorder.authorityNotAfter(2_000_000);
    recorder.authorityNotAfter(3_000_000);
    recorder.webhooksPublished(true);
    recorder.webhooksPublished(false);
  });
  expect(lines).toEqual(['curfew_authority_not_after_seconds 3000', 'curfew_webhooks_published 0']);
});

it('Neither is there where nobody knows it: an end in the year 1970 would be an alarm', async () => {
  expect(await readMetrics(() => undefined)).toEqual([]);
});
