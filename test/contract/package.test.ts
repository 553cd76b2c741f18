import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import rootPackage from '../../package.json' with { type: 'json' };
import type { Sbom } from '../../scripts/sbom.ts';
import { startFakeApiServer } from '../server/fake-api-server.ts';
import { review, TOKEN_SECRET } from '../server/start-app.ts';
import { findSchemaProblems } from './cyclonedx.ts';
import { buildPackage, INSTALL_TIMEOUT_MS, INSTALLED_ENV, installPackage } from './install-package.ts';

const ROOT = join(import.meta.dirname, '..', '..');
let folder = '';
let built = '';
let installed = '';
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-package-'));
  ({ built } = installPackage(folder, join(folder, 'empty')));
  installed = join(folder, 'empty', 'node_modules');
}, INSTALL_TIMEOUT_MS);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('The package', () => {
  it('is one bundle and what belongs to it, with no dependencies', () => {
    const described: Record<string, unknown> = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'));
    expect(described).toMatchObject({
      name: 'curfew',
      version: rootPackage.version,
      license: 'Apache-2.0',
      engines: { node: '>=24' },
      bin: { curfew: 'bin/curfew.mjs', 'kubectl-curfew': 'bin/curfew.mjs' },
    });
    expect(Object.keys(described).filter((key) => /dependencies|scripts/i.test(key))).toEqual([]);
    expect(readdirSync(installed).filter((name) => !name.startsWith('.'))).toEqual(['curfew']);
    expect(listFiles(join(installed, 'curfew'))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY-LICENSES.txt',
      'bin/curfew.mjs',
      'curfew.cdx.json',
      'curfew.mjs',
      'man/curfew.1',
      'package.json',
      'schemas/audit-report.v1alpha1.json',
      'schemas/check-report.v1alpha1.json',
      'schemas/configuration.v1alpha1.json',
    ]);
    const bundle = readFileSync(join(built, 'curfew.mjs'), 'utf8');
    const imported = [...bundle.matchAll(/^import .*?["']([^"']+)["'];$/gm)].map(([, name]) => name ?? '');
    expect(imported.length).toBeGreaterThan(10);
    expect(imported.filter((name) => !isBuiltin(name))).toEqual([]);
  });

  it('holds a bundle of ASCII alone, and of the Kubernetes client neither models nor undici: all of it stays in memory', () => {
    const bundle = readFileSync(join(built, 'curfew.mjs'));
    expect(bundle.findIndex((byte) => byte > 127)).toBe(-1);
    const packages = bundle
      .toString('latin1')
      .match(/^ *\/\/ node_modules\/(undici|@kubernetes\/client-node\/dist\/gen)\//gm);
    expect(packages).toBeNull();
  });

  it('is the same bytes when built again', () => {
    const again = join(folder, 'again');
    buildPackage(again);
    expect(listFiles(again)).toEqual(listFiles(built));
    for (const file of listFiles(again))
      expect({ file, same: readFileSync(join(again, file)).equals(readFileSync(join(built, file))) }).toEqual({
        file,
        same: true,
      });
  });

  it('holds the licence of every package that the bundle holds', () => {
    const licenses = readFileSync(join(built, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const bundled = [...readFileSync(join(built, 'curfew.mjs'), 'utf8').matchAll(/^\/\/ node_modules\/(.+)\//gm)]
      .map(([, path]) => /^(.*node_modules\/)?((?:@[^/]+\/)?[^/]+)/.exec(path ?? '')?.[2])
      .filter((name) => name !== undefined);
    expect(new Set(bundled).size).toBeGreaterThan(20);
    expect([...new Set(bundled)].filter((name) => !licenses.includes(`\n${name} `))).toEqual([]);
  });

  it('brings a valid bill of materials of the bundle, with every package whose licence it holds', () => {
    const sbom: Sbom = JSON.parse(readFileSync(join(built, 'curfew.cdx.json'), 'utf8'));
    expect(findSchemaProblems(sbom)).toEqual([]);
    const hash = createHash('sha256')
      .update(readFileSync(join(built, 'curfew.mjs')))
      .digest('hex');
    expect(sbom.metadata.component).toMatchObject({
      name: 'curfew',
      version: rootPackage.version,
      hashes: [{ alg: 'SHA-256', content: hash }],
    });
    const licenses = readFileSync(join(built, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const licensed = [...licenses.matchAll(/^-{80}\n\n(\S+) (\d\S*) \(/gm)].map(
      ([, name, version]) => `${name}@${version}`,
    );
    const listed = sbom.components.map(({ purl }) => decodeURIComponent(purl?.slice('pkg:npm/'.length) ?? ''));
    expect(listed.length).toBeGreaterThan(20);
    expect(listed).toEqual(licensed.toSorted());
  });

  it('does not say where it was built', () => {
    expect(readFileSync(join(built, 'curfew.mjs'), 'utf8')).not.toContain(ROOT);
  });

  it('does not hold the types of the whole Kubernetes API', () => {
    // Three times the size, and the start of every command twice as long, if client-node comes along as a whole.
    expect(statSync(join(built, 'curfew.mjs')).size).toBeLessThan(9_000_000);
  });
});

describe('The installed command', () => {
  it.each(['curfew', 'kubectl-curfew'])('runs as %s in an empty folder', (name) => {
    expect(run(name, ['version'])).toBe(`curfew ${rootPackage.version}\n`);
    expect(run(name, ['explain', 'long-lived-token-secret'])).toContain(': kubectl create token ci --namespace ci');
  });

  it('loads neither the Kubernetes client nor the server to print its version', () => {
    const coverage = join(folder, 'coverage');
    execFileSync(join(installed, '.bin', 'curfew'), ['version'], {
      env: { ...INSTALLED_ENV, NODE_V8_COVERAGE: coverage },
    });
    const modules = readdirSync(coverage).flatMap((file) => listEvaluated(readFileSync(join(coverage, file), 'utf8')));
    // The log's levels are part of the command line, so its library is the proof that this sees what is loaded.
    expect(modules).toContain('node_modules/pino/pino.js');
    expect(modules.filter((path) => /client-node|undici|fastify|selfsigned|ajv|src\/(server|kube)/.test(path))).toEqual(
      [],
    );
  });

  it('answers a review over TLS without a cluster, and ends with 0 on SIGTERM', async () => {
    const caFile = join(folder, 'ca.pem');
    const server = await serve(['--without-cluster', '--ca-out', caFile]);
    expect(await ask(server.webhook, caFile)).toMatchObject({
      kind: 'AdmissionReview',
      response: { allowed: false, status: { message: expect.stringContaining('long-lived-token-secret') } },
    });
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
  });

  it('watches a cluster by the part of the Kubernetes client that is bundled', async () => {
    const cluster = await startFakeApiServer();
    try {
      const server = await serve(['--kubeconfig', cluster.kubeconfig, '--namespace', 'curfew-system']);
      await expect.poll(async () => (await fetch(`${server.operations}/readyz`)).status, { timeout: 20_000 }).toBe(200);
      expect(cluster.requests.map(({ headers }) => headers.authorization)).toContain('Bearer fake-token');
      server.child.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    } finally {
      await cluster.stop();
    }
  });
});

type Serving = {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly webhook: string;
  readonly operations: string;
};

/** Starts the installed server on free ports, which it names in its log. */
async function serve(args: readonly string[]): Promise<Serving> {
  const config = join(folder, 'configuration.yaml');
  writeFileSync(config, 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\nserver: { drainSeconds: 0 }\n');
  const listen = ['--webhook-listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0'];
  const command = join(installed, '.bin', 'curfew');
  const child = spawn(command, ['serve', '--config', config, ...listen, ...args], {
    env: INSTALLED_ENV,
    stdio: 'pipe',
  });
  children.push(child);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await expect.poll(() => text, { timeout: 20_000 }).toContain('"msg":"listening"');
  const address = (key: string) => new RegExp(`"${key}":"([^"]+)"`).exec(text)?.[1] ?? '';
  return { child, exited, webhook: address('webhook'), operations: address('operations') };
}

async function ask(webhook: string, caFile: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = {
    method: 'POST',
    ca: readFileSync(caFile),
    agent: false,
    headers: { 'content-type': 'application/json' },
  };
  const sent = request(new URL('/validate/secrets', webhook), options, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => resolve(text));
  });
  sent.on('error', reject);
  sent.end(JSON.stringify(review('secrets', TOKEN_SECRET)));
  return JSON.parse(await promise);
}

/** Paths of the modules that were evaluated: the bundler wraps each in a function of that name. */
function listEvaluated(coverage: string): readonly string[] {
  type Script = { url: string; functions: { functionName: string; ranges: { count: number }[] }[] };
  const { result }: { result: Script[] } = JSON.parse(coverage);
  return result
    .filter(({ url }) => url.endsWith('/curfew.mjs'))
    .flatMap(({ functions }) => functions)
    .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
    .map(({ functionName }) => functionName);
}

function listFiles(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

function run(name: string, args: readonly string[]): string {
  return execFileSync(join(installed, '.bin', name), args, {
    cwd: join(folder, 'empty'),
    env: INSTALLED_ENV,
    encoding: 'utf8',
  });
}
