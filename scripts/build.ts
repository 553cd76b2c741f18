/**
 * `npm run build`: what is published. `dist/npm/` is the package: one bundle, a launcher, the schema, the licence, and
 * no dependencies. The image holds the same bundle.
 *
 *     npm run build [-- FOLDER]     writes to FOLDER instead of dist/npm
 */

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { renderConfigurationSchema } from './generate-reference.ts';

const ROOT = join(import.meta.dirname, '..');
const folder = resolve(process.argv[2] ?? join(ROOT, 'dist', 'npm'));

// fastify and pino are CommonJS and ask for `require`, which a module does not have.
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

await rm(folder, { recursive: true, force: true });
await mkdir(join(folder, 'bin'), { recursive: true });
await mkdir(join(folder, 'schemas'));
await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  outfile: join(folder, 'curfew.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: `node${floor()}`,
  banner: { js: BANNER },
  legalComments: 'inline',
  // Names stay, so that a stack says something.
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
});

const launcher = await readFile(join(import.meta.dirname, 'launcher.mjs'), 'utf8');
await writeFile(join(folder, 'bin', 'curfew.mjs'), launcher.replace(/const floor = \d+;/, `const floor = ${floor()};`));
await chmod(join(folder, 'bin', 'curfew.mjs'), 0o755);
await writeFile(join(folder, 'schemas', 'configuration.v1alpha1.json'), renderConfigurationSchema());
for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md']) await copyFile(join(ROOT, file), join(folder, file));
await writeFile(join(folder, 'package.json'), `${JSON.stringify(describePackage(), undefined, 2)}\n`);
console.log(`built ${folder}`);

function describePackage() {
  return {
    name: 'curfew',
    version: packageJson.version,
    description: packageJson.description,
    license: packageJson.license,
    type: 'module',
    engines: packageJson.engines,
    bin: { curfew: 'bin/curfew.mjs', 'kubectl-curfew': 'bin/curfew.mjs' },
    files: ['curfew.mjs', 'bin', 'schemas', 'LICENSE', 'README.md', 'CHANGELOG.md'],
    keywords: ['kubernetes', 'admission', 'webhook', 'service-account', 'token', 'security'],
  };
}

/** The Node floor is said once, in package.json. */
function floor(): number {
  return Number(packageJson.engines.node.replace('>=', ''));
}
