/** The package as a user gets it: built, packed, and installed by npm in a folder that has nothing else. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** This Node first, for the shebang of the installed command; and no path to the repository's packages. */
export const INSTALLED_ENV = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
};

/** Milliseconds that it may take on a machine with other work. */
export const INSTALL_TIMEOUT_MS = 120_000;

/** @param folder - in which the package is built and packed; it is installed in `target`, which is made */
export function installPackage(folder: string, target: string): { readonly built: string } {
  const built = join(folder, 'built');
  buildPackage(built);
  const [packed]: { filename: string }[] = JSON.parse(
    npm(['pack', built, '--json', '--pack-destination', folder], folder),
  );
  mkdirSync(target, { recursive: true });
  // npm installs into the nearest folder with a package.json, which must be this one.
  writeFileSync(join(target, 'package.json'), '{ "private": true }');
  npm(['install', '--offline', '--no-audit', '--no-fund', join(folder, packed?.filename ?? '')], target);
  return { built };
}

export function buildPackage(target: string): void {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), target], { stdio: 'pipe' });
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, env: INSTALLED_ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
