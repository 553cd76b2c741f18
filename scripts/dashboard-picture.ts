/**
 * Makes the picture of the dashboard in the docs: a real API server and Curfew do some minutes of a day, a real
 * Prometheus scrapes them, and the panels are drawn from what their queries return. By hand, for it takes minutes and
 * Chromium and pngquant (Debian: chromium, pngquant), beside Prometheus:
 *
 *     node scripts/run.mjs scripts/dashboard-picture.ts docs/guides/dashboard.png
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openApi } from '../e2e/api-client.ts';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { callAmiss, monitoredConfig, playOutage, playRound, useLegacyToken } from '../e2e/monitored-traffic.ts';
import { type Prometheus, type Range, startPrometheus } from '../e2e/prometheus.ts';
import { startTestCluster, tokenSecret } from '../e2e/test-cluster.ts';
import { ROWS } from './dashboard-panels.ts';
import { type Drawn, drawDashboard, toLegend } from './draw-dashboard.ts';
import { findPrometheus, NO_PROMETHEUS } from './prometheus.ts';
import { mustRun } from './run-program.ts';

/** In seconds. */
const INTERVAL = 5;
const RATE = '30s';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('say which file to write');
const programs = await findPrometheus();
if (programs === undefined) throw new Error(NO_PROMETHEUS);

const cluster = await startTestCluster();
try {
  const namespace = await cluster.createNamespace();
  await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret('old', 'web'));
  const api = await openApi(cluster);
  const curfew = await installCurfew(cluster, monitoredConfig(true));
  const prometheus = await startPrometheus(programs.prometheus, {
    cluster,
    operationsUrl: curfew.operationsUrl,
    interval: INTERVAL,
  });
  try {
    const scene = { api, namespace };
    const start = Date.now() / 1000;
    const play = async (rounds: number, pause: number) => {
      for (let round = 0; round < rounds; round += 1) {
        await playRound(scene);
        await sleep(pause * 1000);
      }
    };
    await prometheus.untilScraped(2);
    await play(12, 6);
    await play(10, 2);
    await curfew.upgrade(monitoredConfig(false));
    await play(4, 6);
    await callAmiss(curfew);
    await play(4, 6);
    await curfew.stopProcess();
    await playOutage(scene);
    await sleep(2 * INTERVAL * 1000);
    await playOutage(scene);
    await curfew.startProcess();
    await useLegacyToken(cluster, namespace);
    await play(12, 4);
    const range = { start, end: Date.now() / 1000, step: INTERVAL };
    const results = await queryAll(prometheus, range);
    await takePicture(drawDashboard(ROWS, { results, range, caption: toCaption(range) }), resolve(file));
  } finally {
    api.close();
    await prometheus.stop();
    await curfew.uninstall();
  }
} finally {
  await cluster.controlPlane.stop();
}

function toCaption({ start, end }: Range): string {
  const minutes = Math.round((end - start) / 60);
  return `The panels of Curfew's dashboard, drawn from the results of their queries by scripts/dashboard-picture.ts, not by Grafana: ${minutes} minutes of a test, scraped each ${INTERVAL} s by Prometheus. dryRun at first; then enforced; then Curfew away for a moment.`;
}

async function queryAll(prometheus: Prometheus, range: Range): Promise<ReadonlyMap<string, readonly Drawn[]>> {
  const results = new Map<string, readonly Drawn[]>();
  for (const { title, queries } of ROWS.flatMap(({ panels }) => panels)) {
    const drawn = queries.map(async ({ expr, legend }) => {
      const lines = await prometheus.queryRange(expr.replaceAll('$__rate_interval', RATE), range);
      return lines.map((line) => ({ legend: toLegend(legend, line.labels), line }));
    });
    results.set(title, (await Promise.all(drawn)).flat());
  }
  return results;
}

async function takePicture(html: string, path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-picture-'));
  try {
    const page = join(folder, 'page.html');
    await writeFile(page, html);
    const options = [
      '--headless',
      '--no-sandbox',
      '--hide-scrollbars',
      '--disable-lcd-text',
      `--user-data-dir=${join(folder, 'profile')}`,
    ];
    await mustRun('chromium', [...options, '--window-size=1184,2540', `--screenshot=${path}`, `file://${page}`]);
    // A few colours are enough, and a third of the bytes.
    await mustRun('pngquant', ['--force', '--output', path, '32', path]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
