/** The four scenes of `npm run try`. Every word after a `$` line is what the API server or kubectl really said. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterAccess, waitUntil } from '../e2e/installed-curfew.ts';
import { asString, member, valueAt } from '../src/objects/json.ts';
import { decodeJwtClaims } from '../src/objects/jwt.ts';

const FOLDER = 'examples/try';
const ROOT = join(import.meta.dirname, '..');

/** The namespaces of the scenes, with the labels that make each what it is. */
const NAMESPACES = {
  ordinary: { name: 'curfew-try', labels: [] },
  unmutated: {
    name: 'curfew-try-as-before',
    labels: ['curfew.dev/enforce=off', 'curfew.dev/warn=off', 'curfew.dev/mutate=off'],
  },
  restricted: { name: 'curfew-try-restricted', labels: ['curfew.dev/enforce=restricted'] },
} as const;

type Stage = { readonly say: (line: string) => void; readonly signal: AbortSignal };

/** Plays all scenes in order; stops early if the signal aborts. */
export async function playScenes(cluster: ClusterAccess, stage: Stage): Promise<void> {
  await makeNamespaces(cluster);
  const scenes: readonly (readonly [string, (cluster: ClusterAccess, stage: Stage) => Promise<void>])[] = [
    ['1. A token that never expires is refused', playSecret],
    ['2. The token of a default pod: a year becomes an hour', playLifetime],
    ['3. A token that nobody documented: warned about, and refused where the namespace asks for it', playUndocumented],
    ['4. The same pod, once it has no token, and a pod whose token is documented', playMended],
  ];
  for (const [title, play] of scenes) {
    if (stage.signal.aborted) return;
    stage.say(`\n=== ${title} ${'='.repeat(Math.max(3, 100 - title.length))}\n`);
    await play(cluster, stage);
  }
}

/** Removes the namespaces of the scenes; does not wait. */
export async function removeScenes({ kubectl }: ClusterAccess): Promise<void> {
  const names = Object.values(NAMESPACES).map(({ name }) => name);
  await kubectl.run(['delete', 'namespace', '--ignore-not-found', '--wait=false', ...names]);
}

async function playSecret(cluster: ClusterAccess, stage: Stage): Promise<void> {
  await showManifest('1-long-lived-token.yaml', stage);
  await apply(cluster, stage, { file: '1-long-lived-token.yaml', namespace: NAMESPACES.ordinary.name });
}

async function playLifetime(cluster: ClusterAccess, stage: Stage): Promise<void> {
  await showManifest('2-default-pod.yaml', stage);
  stage.say(`As Kubernetes does it, in a namespace labelled ${NAMESPACES.unmutated.labels.join(' ')}:\n`);
  await apply(cluster, stage, { file: '2-default-pod.yaml', namespace: NAMESPACES.unmutated.name });
  await showLifetime(cluster, stage, NAMESPACES.unmutated.name);
  stage.say('With Curfew:\n');
  await apply(cluster, stage, { file: '2-default-pod.yaml', namespace: NAMESPACES.ordinary.name });
  await showLifetime(cluster, stage, NAMESPACES.ordinary.name);
}

async function playUndocumented(cluster: ClusterAccess, stage: Stage): Promise<void> {
  const file = '3-undocumented-token.yaml';
  await showManifest(file, stage);
  stage.say('In an ordinary namespace:\n');
  await apply(cluster, stage, { file, namespace: NAMESPACES.ordinary.name });
  stage.say(`In a namespace labelled ${NAMESPACES.restricted.labels.join(' ')}:\n`);
  await apply(cluster, stage, { file, namespace: NAMESPACES.restricted.name });
}

async function playMended(cluster: ClusterAccess, stage: Stage): Promise<void> {
  for (const file of ['4-no-token.yaml', '4-documented-token.yaml']) {
    await showManifest(file, stage);
    await apply(cluster, stage, { file, namespace: NAMESPACES.restricted.name });
  }
}

async function showManifest(file: string, { say }: Stage): Promise<void> {
  const text = await readFile(join(ROOT, FOLDER, file), 'utf8');
  say(`${text.trimEnd().replaceAll(/^/gm, '    ')}\n`);
}

async function apply(
  { kubectl }: ClusterAccess,
  { say }: Stage,
  { file, namespace }: { readonly file: string; readonly namespace: string },
): Promise<void> {
  const args = ['apply', '-n', namespace, '-f', `${FOLDER}/${file}`];
  const { stdout, stderr } = await kubectl.run(args, { cwd: ROOT });
  say(`$ kubectl ${args.join(' ')}\n${`${stderr}${stdout}`.trimEnd()}\n`);
}

/** Asks for the pod's token as the kubelet does: bound to the pod, with the lifetime that the stored pod names. */
async function showLifetime({ kubectl }: ClusterAccess, { say }: Stage, namespace: string): Promise<void> {
  const { stdout: text } = await kubectl.run(['get', 'pod', 'web', '-n', namespace, '-o', 'json']);
  const stored: unknown = JSON.parse(text);
  const source = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
  const asked = Number(valueAt(stored, source));
  const args = [
    ...['create', 'token', 'web', '-n', namespace, '--bound-object-kind', 'Pod', '--bound-object-name', 'web'],
    ...['--bound-object-uid', asString(valueAt(stored, ['metadata', 'uid'])) ?? '', '--duration', `${asked}s`],
  ];
  const { stdout: token, stderr } = await kubectl.run(args);
  const claims = decodeJwtClaims(token.trim());
  if (claims === undefined) throw new Error(`no token was issued: ${stderr}`);
  const lifetime = Number(member(claims, 'exp')) - Number(member(claims, 'iat'));
  say(`$ kubectl ${args.join(' ')}`);
  say(`the pod's volume asks for expirationSeconds: ${asked}`);
  say(`the API server issued a token with exp - iat = ${lifetime} s (${formatDuration(lifetime)})\n`);
}

function formatDuration(seconds: number): string {
  return seconds >= 86_400 ? `${seconds / 86_400} days` : `${seconds / 3600} hours`.replace(/^1 hours$/, '1 hour');
}

async function makeNamespaces({ kubectl }: ClusterAccess): Promise<void> {
  for (const { name, labels } of Object.values(NAMESPACES)) {
    await waitUntil(`namespace ${name} is made`, async () => {
      return (await kubectl.run(['create', 'namespace', name])).code === 0;
    });
    // Before the labels: a restricted namespace takes no new account that documents nothing.
    await kubectl.run(['create', 'serviceaccount', 'web', '-n', name]);
    if (labels.length > 0) await kubectl.run(['label', 'namespace', name, ...labels]);
  }
}
