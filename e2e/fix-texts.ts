/** What the messages of the golden files tell people to do, and the part of it that goes into a terminal. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { JsonObject } from '../src/objects/json.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = ['test/golden/messages', 'e2e/golden'];

/** Every text after `Fix:` of every golden message, once. */
export function readFixTexts(): readonly string[] {
  const texts = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).flatMap((file) =>
      [...readFileSync(join(ROOT, folder, file), 'utf8').matchAll(/^ *Fix: (.*)$/gm)].map(([, text = '']) => text),
    ),
  );
  return [...new Set(texts)].toSorted();
}

/**
 * The command of a text: after a colon, or the whole text, and nothing comes after it, so that all of it to the end of the
 * line is what is pasted.
 */
export function findCommand(text: string): string | undefined {
  return /(?:^|: )((?:kubectl|kubeadm) .*)$/.exec(text)?.[1];
}

/** A kubeconfig of a server that nobody listens at: whatever kubectl takes for a good command ends there. */
export function kubeconfigOfNobody(): string {
  const config: JsonObject = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'nobody', cluster: { server: 'http://127.0.0.1:1' } }],
    contexts: [{ name: 'nobody', context: { cluster: 'nobody', user: 'nobody' } }],
    users: [{ name: 'nobody', user: {} }],
    'current-context': 'nobody',
  };
  return stringify(config);
}
