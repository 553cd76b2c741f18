/**
 * `npm test`: everything that must hold before a commit lands, in the order in which it fails fastest. All of it runs,
 * whatever fails, and the last line counts it.
 *
 *     npm test                    everything; the cluster with a node where this machine can have one
 *     npm test -- unit server     some tiers only
 *     npm test -- every-version   the end-to-end suite on each pinned Kubernetes but the usual one: not part of npm test
 */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { findObstacle } from '../e2e/node/cluster.ts';
import { asArray, asString, type JsonValue, member } from '../src/objects/json.ts';
import { findChromium, NO_CHROMIUM } from './chromium.ts';
import { findPrometheus, NO_PROMETHEUS } from './prometheus.ts';
import { SPEED } from './speed.ts';
import { kubernetesFolder, listKubernetes } from './tool-versions.ts';
import { findTools, type ToolName } from './tools.ts';

type Step = { readonly tier: string; readonly command: string; readonly args: readonly string[] };

/** Each counts as one test: it passes or it does not. */
const STATIC_STEPS: readonly Step[] = [
  { tier: 'format', command: 'biome', args: ['check', '--error-on-warnings'] },
  { tier: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { tier: 'types', command: 'tsc', args: ['-p', '.'] },
  // What runs in a browser has the browser's types, and none of Node's.
  { tier: 'types', command: 'tsc', args: ['-p', 'src/reports/html/browser'] },
  { tier: 'types', command: 'tsc', args: ['-p', 'test/browser'] },
  { tier: 'dead-code', command: 'knip', args: [] },
];

/** Each group is one run: the first counts branches, and the last has the machine to itself, since it starts clusters. */
const VITEST_GROUPS = [['unit'], ['server', 'chart', 'contract', 'browser'], ['e2e']];
/** Fails where `vitest.config.ts` wants more branches of a folder taken. `npm run coverage` lists them. */
const COVERAGE = ['--coverage', '--coverage.reporter=text-summary'];

/** What the tiers start; found, or built, before anything waits for it. */
const TOOLS_OF_TIERS: Readonly<Record<string, readonly ToolName[]>> = {
  chart: ['helm', 'helm3'],
  contract: ['helm'],
  e2e: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm', 'helm3'],
};

/**
 * What differs by version if anything does, on the oldest control plane: admission and its CEL, the chart before the
 * API server, tokens by API. The rest runs there with `every-version`.
 */
const OLDEST = 'oldest';
const ON_THE_OLDEST = [
  ...['admission', 'api-access-approval', 'namespace-labels', 'mutations', 'injection', 'token-requests'],
  ...['chart-objects', 'deploy'],
].map((name) => `e2e/${name}.test.ts`);

const EVERY_VERSION = 'every-version';

/** Curfew in pods, by a script of its own: it takes root and some packages. */
const CLUSTER = 'cluster';

type Count = {
  readonly passed: number;
  /** By name, since what says why is thousands of lines above the last one. */
  readonly failures: readonly string[];
};

const ROOT = join(import.meta.dirname, '..');

const chosen = process.argv.slice(2);
const known = [...STATIC_STEPS.map(({ tier }) => tier), ...VITEST_GROUPS.flat(), OLDEST, CLUSTER, EVERY_VERSION];
const unknown = chosen.filter((tier) => !known.includes(tier));
if (unknown.length > 0) {
  console.error(`unknown tier ${unknown.join(', ')}; known: ${known.join(', ')}`);
  process.exit(2);
}
const isChosen = (tier: string) => chosen.length === 0 || chosen.includes(tier);

const counts: Count[] = [];
for (const { tier, command, args } of STATIC_STEPS.filter((step) => isChosen(step.tier))) {
  const code = await run(command, args);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${tier}`);
  const failures = code === 0 ? [] : [`${tier}: ${[command, ...args].join(' ')}`];
  counts.push({ passed: 1 - failures.length, failures });
}
const tiers = VITEST_GROUPS.map((group) => group.filter(isChosen)).filter((group) => group.length > 0);
await findTools([...new Set(tiers.flat().flatMap((tier) => TOOLS_OF_TIERS[tier] ?? []))]);
for (const group of tiers) {
  // Whoever asks for some tiers waits for the answer.
  const isCounted = chosen.length === 0 && group.includes('unit');
  counts.push(await runVitest(group, isCounted ? { args: COVERAGE } : {}));
}
const [oldest] = listKubernetes();
if (isChosen(OLDEST) && oldest !== undefined) counts.push(await runOn(oldest, ON_THE_OLDEST));
if (chosen.includes(EVERY_VERSION)) {
  const others = listKubernetes().filter((minor) => !isUsual(minor));
  for (const minor of others) counts.push(await runOn(minor, []));
}
if (isChosen(CLUSTER)) {
  const obstacle = await findObstacle();
  if (obstacle === undefined) counts.push(await runCluster());
  else if (chosen.includes(CLUSTER)) throw new Error(obstacle);
  else console.log(`not run: ${CLUSTER}. ${obstacle}`);
}

if (tiers.flat().some((tier) => tier === 'contract' || tier === 'e2e') && (await findPrometheus()) === undefined) {
  console.log(`not run: alerts. ${NO_PROMETHEUS}`);
}

if (isChosen('browser') && (await findChromium()) === undefined) console.log(`not run: browser. ${NO_CHROMIUM}`);

const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failures = counts.flatMap((count) => count.failures);
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 && passed > 0 ? 0 : 1);

/** Runs these files of the end-to-end suite, or all of it, on one version of Kubernetes. */
async function runOn(minor: string, files: readonly string[]): Promise<Count> {
  const env = { ...process.env, CURFEW_KUBERNETES: minor };
  console.log(`Kubernetes ${minor}:`);
  await findTools(TOOLS_OF_TIERS['e2e'] ?? [], { env });
  return await runVitest(['e2e'], { env, args: files });
}

function isUsual(minor: string): boolean {
  return kubernetesFolder({ CURFEW_KUBERNETES: minor }) === kubernetesFolder({});
}

type VitestOptions = {
  readonly env?: NodeJS.ProcessEnv;
  /** Flags, or files in place of all. */
  readonly args?: readonly string[];
};

/** Runs vitest on these tiers and counts what its own report says; a run that dies counts as a failure. */
async function runVitest(projects: readonly string[], { env, args = [] }: VitestOptions = {}): Promise<Count> {
  return await countReport(async (file) => {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const chosenProjects = projects.flatMap((project) => ['--project', project]);
    return await run('vitest', ['run', ...reporters, ...chosenProjects, ...args], env);
  });
}

async function runCluster(): Promise<Count> {
  const script = join(import.meta.dirname, 'test-cluster.ts');
  return await countReport(async (file) => await spawnHere(process.execPath, [script, '--report', file]));
}

async function countReport(write: (file: string) => Promise<number>): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-test-'));
  try {
    const file = join(folder, 'report.json');
    const code = await write(file);
    const count = await readReport(file);
    const isExplained = code === 0 || count.failures.length > 0;
    return isExplained ? count : { ...count, failures: ['a run, by an error outside of all tests'] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReport(file: string): Promise<Count> {
  try {
    const report: unknown = JSON.parse(await readFile(file, 'utf8'));
    const failures = asArray(member(report, 'testResults')).flatMap(listFailures);
    return { passed: Number(member(report, 'numPassedTests') ?? 0), failures };
  } catch {
    return { passed: 0, failures: ['a run that left no report'] };
  }
}

/** Of one file: its tests that failed, or the file where its set-up did. */
function listFailures(result: JsonValue): readonly string[] {
  const isFailed = (one: JsonValue) => member(one, 'status') === 'failed';
  if (!isFailed(result)) return [];
  const name = relative(ROOT, asString(member(result, 'name')) ?? '');
  const tests = asArray(member(result, 'assertionResults')).filter(isFailed);
  if (tests.length === 0) return [name];
  return tests.map((test) => `${name}: ${asString(member(test, 'fullName')) ?? ''}`);
}

/** Runs a program of `node_modules/.bin` with the terminal as its own; resolves to its exit code. */
async function run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<number> {
  return await spawnHere(join(ROOT, 'node_modules', '.bin', command), args, env);
}

async function spawnHere(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(file, args, { cwd: ROOT, env: { ...env, ...SPEED }, stdio: 'inherit' });
  child.on('error', reject);
  child.on('exit', (code) => resolve(code ?? 1));
  return await promise;
}
