/**
 * `npm run build`: what is published. `dist/npm/` is the package: one bundle, a launcher, the schema, the licences, the
 * bundle's bill of materials, and no dependencies. The image holds the same bundle.
 *
 *     npm run build [-- FOLDER]     writes to FOLDER instead of dist/npm
 */

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
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

// fastify and pino are CommonJS and ask for `require`, which a module does not have.
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * An `import()` takes a whole package along: 22 MB with every type of the Kubernetes API, of which nothing is used. So
 * the names that the importing file takes from client-node stand between, and what they do not reach falls away (7 MB).
 */
const NAMES_OF_CLIENT_NODE: Plugin = {
  name: 'names-of-client-node',
  setup({ onResolve, onLoad }) {
    const namespace = 'client-node-names';
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ namespace: from, importer, kind }) =>
      from === namespace || kind !== 'dynamic-import' ? undefined : { path: relative(ROOT, importer), namespace },
    );
    onLoad({ filter: /./, namespace }, async ({ path }) => {
      // Relative to the root, since the bundle names it, and is the same wherever it is built.
      const names = /\{([^{}]+)\} = await import\('@kubernetes\/client-node'\)/.exec(
        await readFile(join(ROOT, path), 'utf8'),
      )?.[1];
      if (names === undefined)
        throw new Error(`${path} must take names: { … } = await import('@kubernetes/client-node')`);
      return { contents: `export {${names}} from '@kubernetes/client-node';`, resolveDir: ROOT };
    });
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
    plugins: [NAMES_OF_CLIENT_NODE],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const code = textOf('curfew.mjs');
  await writeFile(join(folder, 'curfew.mjs'), code);
  const sbom = await describeBundle(metafile, { root: ROOT, version: packageJson.version, code });
  await writeFile(join(folder, BUNDLE_SBOM), renderSbom(sbom));
  const licenses = { root: ROOT, legalComments: textOf('.LEGAL.txt') };
  await writeFile(join(folder, THIRD_PARTY), await renderThirdPartyLicenses(metafile, licenses));
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
