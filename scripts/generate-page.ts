/** Script and style of the HTML report, and the hashes by which its Content-Security-Policy lets them in. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** JSON with both, as `src/reports/html/page-assets.json`. Not minified: who gets a report can read what it runs. */
export async function renderPageAssets(): Promise<string> {
  const [script, style] = [await bundleScript(), await readFile(join(ROOT, 'src/reports/html/style.css'), 'utf8')];
  const assets = { script, scriptHash: hash(script), style, styleHash: hash(style) };
  return `${JSON.stringify(assets, undefined, 2)}\n`;
}

async function bundleScript(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/reports/html/browser/page.ts'],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2023',
    charset: 'ascii',
    write: false,
    logLevel: 'warning',
  });
  const text = outputFiles[0]?.text ?? '';
  // Inside of a script element nothing else ends it (HTML standard, 4.12.1.3).
  if (/<\/script|<!--/i.test(text)) throw new Error('the script of the report holds what ends a script element');
  return text;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
