/**
 * `npm run cel-cost`: what Kubernetes' own code says of the policies that `curfew render policies` writes: the versions
 * that take every expression, and what each policy costs on the largest objects that it judges, made and updated.
 *
 *     npm run cel-cost                       a table of all, dearest first
 *     npm run cel-cost -- token-lifetime     of the policies whose names begin so
 *
 * The code is a Go program of the pinned Kubernetes (tools/kubernetes-…/cel-cost). The first run compiles the API server's
 * packages, which takes minutes. Exits with 1 where a version refuses an expression, or one costs more than it may.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { listFattest } from '../e2e/native-fattest.ts';
import { listLargest } from '../e2e/native-objects.ts';
import { renderPolicies } from '../src/native/render-policies.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { resourceOf } from '../src/objects/manifest.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { moduleFolder } from './tool-versions.ts';

/** The first and the last version that policies are written for, and those between. */
const MINORS = [30, 31, 32, 33, 34, 35, 36, 37];
/** MutatingAdmissionPolicies are written for these alone. */
const FIRST_MUTATING = 36;

/** PerCallLimit of one expression and RuntimeCELCostBudget of a policy (apiserver, pkg/apis/cel/config.go). */
const MOST_OF_ONE = 1_000_000;
const MOST_OF_POLICY = 10_000_000;

type Cost = { readonly expression: string; readonly cost: number; readonly error?: string };
type Report = {
  readonly name: string;
  readonly refusedBy: Readonly<Record<string, string>>;
  readonly costs: readonly Cost[] | null;
};

const [prefix = ''] = process.argv.slice(2);
const input = { minors: MINORS, policies: listPolicies(prefix), objects: listObjects() };
const reports = await ask(JSON.stringify(input));
const rows = reports.map(toRow).toSorted((one, other) => other.dearest.cost - one.dearest.cost);
console.log(
  '| policy | the dearest expression | cost with its variables | of what one may cost | whole policy |\n| --- | --- | --- | --- | --- |',
);
for (const { name, dearest, all } of rows) {
  const part = `${((100 * dearest.cost) / MOST_OF_ONE).toFixed(1)} %`;
  console.log(`| ${name} | ${dearest.expression} | ${dearest.cost} | ${part} | ${all} |`);
}
const problems = rows.flatMap(({ problems: some }) => some);
for (const problem of problems) console.log(problem);
console.log(`${rows.length} policies, ${problems.length} problems`);
process.exitCode = problems.length > 0 || rows.length === 0 ? 1 : 0;

/** With every check that needs options, and an exemption that matches nobody: it costs what one that matches does. */
function listPolicies(start: string): readonly JsonObject[] {
  const read = readConfiguration({
    ...EMPTY_CONFIGURATION_FILE,
    enforceTemplates: true,
    mutateMode: 'apply',
    levels: { clusterScoped: { enforce: 'restricted', warn: 'restricted', audit: 'restricted' } },
    checks: { 'token-audience': { allowed: ['reports'] }, 'token-request-audience': { allowed: ['reports'] } },
    exemptions: {
      rules: [
        { name: 'for-none', match: { names: ['no-?*'] }, reason: 'it is dear', owner: 'nobody', permanent: true },
      ],
    },
  });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const cluster = { apiAudiences: ['https://kubernetes.default.svc'], issuers: [] };
  const { objects } = renderPolicies({
    configuration: read.configuration,
    cluster,
    ownNamespace: 'curfew-system',
    level: undefined,
    engine: 'native',
    nodeTokens: 'enforce',
    now: Date.now(),
    minor: MINORS.at(-1) ?? 0,
  });
  return objects.filter(
    (object) =>
      !(asString(object['kind']) ?? '').endsWith('Binding') &&
      (asString(valueAt(object, ['metadata', 'name'])) ?? '').startsWith(start),
  );
}

/** Each as it is made, and as an update that changes nothing: then everything is compared with everything. */
function listObjects(): readonly JsonObject[] {
  return [...listLargest(0), ...listFattest()].flatMap((one) => {
    const { name } = resourceOf(one);
    const where = (asString(one['kind']) ?? '').startsWith('Cluster') ? {} : { namespace: 'shop' };
    const creationTimestamp = '2026-01-01T00:00:00Z';
    const object = { ...one, metadata: { ...(one['metadata'] as JsonObject), ...where, creationTimestamp } };
    return [
      { resource: name, object },
      { resource: name, object, oldObject: object },
    ];
  });
}

async function ask(json: string): Promise<readonly Report[]> {
  const cwd = moduleFolder('kubernetes');
  const child = spawn('go', ['run', '-mod=readonly', './cel-cost'], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(json);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`go run ended with exit code ${String(code)} in ${cwd}`);
  return (JSON.parse(output) as { readonly policies: readonly Report[] }).policies;
}

function toRow({ name, refusedBy, costs }: Report) {
  const known = costs ?? [];
  const some = known.filter(({ expression }) => expression !== 'all');
  const dearest = some.toSorted((one, other) => other.cost - one.cost)[0] ?? { expression: 'none judged', cost: 0 };
  const all = known.find(({ expression }) => expression === 'all')?.cost ?? 0;
  const isMutating = name.endsWith('.mutate.curfew.dev');
  const refusals = Object.entries(refusedBy).filter(([minor]) => !isMutating || Number(minor) >= FIRST_MUTATING);
  return {
    name,
    dearest,
    all,
    problems: [
      ...refusals.map(([minor, why]) => `Kubernetes 1.${minor} does not take ${name}: ${why.split('\n')[0]}`),
      // What is asked of findings that are not there fails too, and is never asked.
      ...some
        .filter(({ error }) => error?.includes('cost limit'))
        .map(({ expression }) => `${name}: ${expression} costs too much`),
      ...(all > MOST_OF_POLICY ? [`${name} costs too much`] : []),
    ],
  };
}
