import { afterEach, expect, it } from 'vitest';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import { review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const RULE = {
  name: 'build-server',
  match: { namespaces: ['shop'] },
  reason: 'the old build server cannot ask for tokens',
  owner: 'team-build',
  permanent: true,
};

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

it('The use of an exemption is counted by mode and by name, and is one line of the log', async () => {
  app = await startApp({ exemptions: { rules: [RULE] } });
  await app.send('/validate/secrets', review('secrets', TOKEN_SECRET));
  expect(await app.metric('curfew_exemptions_total{exemption="build-server",check="long-lived-token-secret"}')).toBe(1);
  expect(await app.metric('curfew_evaluations_total')).toBe(3);
  for (const mode of ['enforce', 'warn', 'audit']) {
    const labels = `check="long-lived-token-secret",mode="${mode}",decision="exempt"`;
    expect(await app.metric(`curfew_evaluations_total{${labels}`)).toBe(1);
  }
  expect(app.logLines).toHaveLength(1);
  expect(JSON.parse(app.logLines[0] ?? '')).toMatchObject({
    decision: 'exempt',
    rules: ['long-lived-token-secret'],
    exemptions: ['build-server'],
  });
});

it('The ends of exemptions are those of the configuration in force, and no others', async () => {
  const recorder = createPrometheusRecorder('test', Date.now);
  const ends = async () => (await recorder.render()).match(/^curfew_exemption_expires_seconds.*$/gm);
  recorder.exemptionEnds([
    { name: 'a', end: 1_803_945_600_000 },
    { name: 'b', end: 1_000 },
  ]);
  expect(await ends()).toEqual([
    'curfew_exemption_expires_seconds{exemption="a"} 1803945600',
    'curfew_exemption_expires_seconds{exemption="b"} 1',
  ]);
  recorder.exemptionEnds([{ name: 'b', end: 2_000 }]);
  expect(await ends()).toEqual(['curfew_exemption_expires_seconds{exemption="b"} 2']);
});
