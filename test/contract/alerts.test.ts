/**
 * The alerts, by promtool: an ordinary day, made of what was recorded of a real run, raises none of them; each is raised
 * by its own trouble, in these words, and raises no other one.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { findPrometheus } from '../../scripts/prometheus.ts';
import { runProgram } from '../../scripts/run-program.ts';
import { ORDINARY, SCENARIOS, type Scenario } from './alert-scenarios.ts';
import { ALERT_PATHS, listAlerts } from './alerts.ts';
import { goOn, readRecorded, type Series, toSeries } from './recorded-series.ts';

const programs = await findPrometheus();
const RULES = listAlerts();
const RECORDED = readRecorded();

describe('The scenarios', () => {
  it('are one for each alert', () => {
    expect(SCENARIOS.map(({ alert }) => alert).toSorted()).toEqual(RULES.map(({ alert }) => alert).toSorted());
  });

  it('change something that was recorded', () => {
    for (const { change, replicas } of SCENARIOS) {
      const changed = RECORDED.filter((series) => change(series, 1) !== undefined);
      expect(changed.length > 0 || replicas !== undefined).toBe(true);
    }
  });
});

it('are left out where Prometheus is not to be found', async () => {
  expect(await findPrometheus('/nowhere:')).toBeUndefined();
});

describe.runIf(programs !== undefined)('By promtool', () => {
  it('the rules are rules', async () => {
    const { code, stdout, stderr } = await runProgram(programs?.promtool ?? '', ['check', 'rules', ...ALERT_PATHS]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('SUCCESS');
  });

  it.each([
    [10, 1],
    [120, 1],
    [24 * 60 + 40, 5],
  ])('an ordinary day raises none, after %i minutes with a sample each %i', async (minutes, every) => {
    expect(await testRules({ minutes, every, change: () => undefined }, undefined)).toBe('SUCCESS');
  });

  it.each(SCENARIOS)('$alert is raised by its own trouble, and no other one', async (scenario) => {
    expect(await testRules(scenario, scenario)).toBe('SUCCESS');
  });
});

type Run = Pick<Scenario, 'minutes' | 'every' | 'change' | 'replicas'>;

/** What promtool says of one scenario, where `raised` alone is to be firing. */
async function testRules(
  run: Run,
  raised: Pick<Scenario, 'alert' | 'labels' | 'summary'> | undefined,
): Promise<string> {
  const alerts = RULES.map(({ alert, severity, annotations }) => ({
    eval_time: `${run.minutes}m`,
    alertname: alert,
    exp_alerts:
      alert === raised?.alert
        ? [
            {
              exp_labels: { severity, ...raised.labels },
              exp_annotations: { ...annotations, summary: raised.summary },
            },
          ]
        : [],
  }));
  const interval = `${run.every ?? 1}m`;
  const test = {
    rule_files: ALERT_PATHS,
    evaluation_interval: interval,
    tests: [{ interval, input_series: listSeries(run), alert_rule_test: alerts }],
  };
  const folder = await mkdtemp(join(tmpdir(), 'curfew-alerts-'));
  try {
    const file = join(folder, 'test.yaml');
    await writeFile(file, stringify(test, { lineWidth: 0, aliasDuplicateObjects: false }));
    const { code, stdout, stderr } = await runProgram(programs?.promtool ?? '', ['test', 'rules', file]);
    return code === 0 && stdout.includes('SUCCESS') ? 'SUCCESS' : `${stdout}${stderr}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function listSeries({ minutes, every = 1, change, replicas = 2 }: Run): readonly Series[] {
  const count = minutes / every;
  return RECORDED.flatMap((series) => {
    const values = change(series, count) ?? ORDINARY(series, count) ?? goOn(series, count);
    return toSeries(series, values, replicas);
  });
}
