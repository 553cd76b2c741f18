/**
 * `npm run build`: what is published. `dist/npm/` is the package: one bundle, a launcher, the schema, the licences, the
 * bundle's bill of materials, and no dependencies. The image holds the same bundle.
 *
 *     npm run build [-- FOLDER]     writes to FOLDER instead of dist/npm
 */

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { renderManPage } from './generate-commands.ts';
import { renderAuditReportSchema, renderCheckReportSchema, renderConfigurationSchema } from './generate-reference.ts';
import { BUNDLE_SBOM } from './image-sbom.ts';
import { describeBundle, renderSbom } from './sbom.ts';
import { renderThirdPartyLicenses } from './third-party-licenses.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENTS = ['LICENSE', 'README.md', 'CHANGELOG.md'];
const THIRD_PARTY = 'THIRD-PARTY-LICENSES.txt';

// pino and ajv are CommonJS and ask for `require`, which a module does not have.
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const CLIENT_NODE = join(ROOT, 'node_modules', '@kubernetes', 'client-node', 'dist');

/** Which file of client-node has the names that are taken from it. Its index would bring every other one along. */
const FILES_OF_CLIENT_NODE: Readonly<Record<string, string>> = { KubeConfig: 'config.js', loadYaml: 'yaml.js' };

/**
 * What these files import for what nobody asks them for here: clients and dispatchers, which take undici and a class for each
 * type of the Kubernetes API. Every replica would hold 2.4 MB of source, and what is made of it. By file, path and name; a
 * name that is missing ends the build.
 */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'config.js undici': { Agent: 'refuse', ProxyAgent: 'refuse' },
  'config.js ./gen/index.js': { createConfiguration: 'refuse', ServerConfiguration: 'refuse' },
  'config.js ./middleware.js': { setHeaderMiddleware: 'refuse' },
  // A kubeconfig is of no type that there is a class for: it stays as it was read.
  'yaml.js ./serializer.js': { ObjectSerializer: '{ deserialize: (value) => value, serialize: refuse }' },
  'yaml.js ./util.js': { getSerializationType: '() => undefined' },
};

/** An `import()` takes a whole package along, 22 MB with every type of the Kubernetes API, of which nothing is used. */
const PARTS_OF_CLIENT_NODE: Plugin = {
  name: 'parts-of-client-node',
  setup({ onResolve, onLoad }) {
    const names = 'client-node-names';
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ importer, kind }) =>
      // Relative to the root, since the bundle names it, and is the same wherever it is built.
      kind === 'dynamic-import' ? { path: relative(ROOT, importer), namespace: names } : undefined,
    );
    onLoad({ filter: /./, namespace: names }, async ({ path }) => {
      const taken = /\{([^{}]+)\} = await import\('@kubernetes\/client-node'\)/.exec(
        await readFile(join(ROOT, path), 'utf8'),
      )?.[1];
      if (taken === undefined)
        throw new Error(`${path} must take names: { … } = await import('@kubernetes/client-node')`);
      const lines = taken.split(',').map((name) => {
        const file = FILES_OF_CLIENT_NODE[name.trim()];
        if (file === undefined) throw new Error(`FILES_OF_CLIENT_NODE does not say where ${name.trim()} is`);
        return `export { ${name} } from './${file}';`;
      });
      return { contents: lines.join('\n'), resolveDir: CLIENT_NODE };
    });

    const leftOut = 'client-node-left-out';
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const key = `${basename(importer)} ${path}`;
      return dirname(importer) === CLIENT_NODE && Object.hasOwn(LEFT_OUT, key)
        ? { path: key, namespace: leftOut }
        : undefined;
    });
    onLoad({ filter: /./, namespace: leftOut }, ({ path }) => ({
      contents: [
        `function refuse() { throw new Error(${JSON.stringify(`left out of this bundle: ${path}`)}); }`,
        ...Object.entries(LEFT_OUT[path] ?? {}).map(([name, value]) => `export const ${name} = ${value};`),
      ].join('\n'),
    }));
  },
};

const folder = resolve(process.argv[2] ?? join(ROOT, 'dist', 'npm'));

await rm(folder, { recursive: true, force: true });
await mkdir(join(folder, 'bin'), { recursive: true });
await mkdir(join(folder, 'schemas'));
await mkdir(join(folder, 'man'));
await writeBundle();
await copyFile(join(import.meta.dirname, 'launcher.mjs'), join(folder, 'bin', 'curfew.mjs'));
await chmod(join(folder, 'bin', 'curfew.mjs'), 0o755);
await writeFile(join(folder, 'schemas', 'configuration.v1alpha1.json'), renderConfigurationSchema());
await writeFile(join(folder, 'schemas', 'check-report.v1alpha1.json'), renderCheckReportSchema());
await writeFile(join(folder, 'man', 'curfew.1'), renderManPage());
await writeFile(join(folder, 'schemas', 'audit-report.v1alpha1.json'), renderAuditReportSchema());
for (const file of DOCUMENTS) await copyFile(join(ROOT, file), join(folder, file));
await writeFile(join(folder, 'package.json'), `${JSON.stringify(describePackage(), undefined, 2)}\n`);
console.log(`built ${folder}`);

/** Not minified: an administrator can read what judges the cluster, and a stack says where it was. */
async function writeBundle(): Promise<void> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outfile: join(folder, 'curfew.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: `node${packageJson.engines.node.slice(2)}`,
    banner: { js: BANNER },
    legalComments: 'external',
    plugins: [PARTS_OF_CLIENT_NODE],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const code = toAscii(textOf('curfew.mjs'));
  await writeFile(join(folder, 'curfew.mjs'), code);
  const sbom = await describeBundle(metafile, { root: ROOT, version: packageJson.version, code });
  await writeFile(join(folder, BUNDLE_SBOM), renderSbom(sbom));
  const licenses = { root: ROOT, legalComments: textOf('.LEGAL.txt') };
  await writeFile(join(folder, THIRD_PARTY), await renderThirdPartyLicenses(metafile, licenses));
}

/**
 * One character beyond Latin-1, in whatever comment, and V8 keeps the whole bundle at two bytes a character for as long as it
 * runs. esbuild escapes those in texts; what is left stands in comments and regular expressions.
 */
function toAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function describePackage() {
  return {
    name: 'curfew',
    version: packageJson.version,
    description: packageJson.description,
    license: packageJson.license,
    // npm compares it with the repository whose workflow publishes.
    repository: packageJson.repository,
    type: 'module',
    engines: packageJson.engines,
    man: 'man/curfew.1',
    bin: { curfew: 'bin/curfew.mjs', 'kubectl-curfew': 'bin/curfew.mjs' },
    files: ['curfew.mjs', BUNDLE_SBOM, 'bin', 'schemas', 'man', THIRD_PARTY, ...DOCUMENTS],
    keywords: ['kubernetes', 'admission', 'webhook', 'service-account', 'token', 'security'],
  };
}
