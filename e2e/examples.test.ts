import { beforeAll, describe, expect, it } from 'vitest';
import type { Example } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';

const suite = setUpSuite({});

describe.each(CHECKS.map((check) => ({ id: check.id, examples: check.examples })))('$id', ({ id, examples }) => {
  // One check at a time: an example of one may well break the rule of another.
  beforeAll(async () => {
    const others = CHECKS.filter((check) => check.id !== id).map((check) => [check.id, { mode: 'off' }]);
    await suite.curfew.upgrade({ enforceTemplates: true, checks: Object.fromEntries(others) });
  });

  it.each(examples.map((example) => ({ title: example.title, example })))('$title', async ({ example }) => {
    const namespace = await suite.cluster.createNamespace();
    await createAccount(namespace, example);
    if (example.subject.oldObject !== undefined) {
      await suite.cluster.must(['label', 'namespace', namespace, 'curfew.dev/enforce=off']);
      await waitUntil('the old object may be made', async () => {
        return (await send('create', inNamespace(example.subject.oldObject ?? {}, namespace))).code === 0;
      });
    }
    await suite.cluster.must(['label', 'namespace', namespace, '--overwrite', `curfew.dev/enforce=${example.level}`]);

    const verb = example.subject.operation === 'UPDATE' ? 'patch' : 'create';
    const object = inNamespace(example.subject.object, namespace);
    // What the API server says once Curfew has heard of the label, which takes some milliseconds.
    await waitUntil(`it is ${JSON.stringify(example.expect)}`, async () => {
      const { code, stderr } = await send(verb, object, ['--dry-run=server']);
      return isExpected(example, { code, stderr, id });
    });
    const { code, stderr } = await send(verb, object);
    expect({ stderr, asExpected: isExpected(example, { code, stderr, id }) }).toMatchObject({ asExpected: true });
  });
});

type Answer = { readonly code: number; readonly stderr: string; readonly id: string };

function isExpected(example: Example, { code, stderr, id }: Answer): boolean {
  switch (example.expect) {
    case 'allowed':
      return code === 0 && !stderr.includes(id);
    case 'undecided':
      return code === 0 && stderr.includes(`Warning: curfew ${id}: not judged: `);
    default:
      // An update is refused for what it adds; one that adds nothing is warned about.
      return isUpdateThatAddsNothing(example)
        ? code === 0 && stderr.includes(`Warning: curfew ${id}: `)
        : code !== 0 && stderr.includes(`  ${id} at /`);
  }
}

function isUpdateThatAddsNothing({ subject }: Example): boolean {
  return subject.oldObject !== undefined && JSON.stringify(subject.oldObject) === JSON.stringify(subject.object);
}

/** An update is a merge patch: what controllers filled in meanwhile stays, as with `kubectl apply`. */
async function send(verb: 'create' | 'patch', object: JsonObject, args: readonly string[] = []) {
  if (verb === 'create')
    return await suite.cluster.kubectl.run(['create', '-f', '-', ...args], { input: JSON.stringify(object) });
  const [kind = '', name = '', namespace = ''] = [['kind'], ['metadata', 'name'], ['metadata', 'namespace']].map(
    (path) => asString(valueAt(object, path)) ?? '',
  );
  const patch = ['patch', `${kind}/${name}`, '-n', namespace, '--type=merge', '-p', JSON.stringify(object)];
  return await suite.cluster.kubectl.run([...patch, ...args]);
}

/** The account the example runs as; every namespace of the suite has a plain `web`. */
async function createAccount(namespace: string, { context, subject }: Example): Promise<void> {
  const account = context?.serviceAccount;
  if (account === 'absent') await suite.cluster.must(['delete', 'serviceaccount', 'web', '-n', namespace]);
  else if (account !== undefined) {
    await suite.cluster.must(
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      inNamespace(account, namespace),
    );
  }
  if (subject.object['kind'] === 'Secret') {
    await suite.cluster.must(['create', 'serviceaccount', 'ci', '-n', namespace]);
    await suite.cluster.must(['create', 'serviceaccount', 'admin', '-n', namespace]);
  }
}

function inNamespace(object: JsonObject, namespace: string): JsonObject {
  return { ...object, metadata: { ...(valueAt(object, ['metadata']) as JsonObject), namespace } };
}
