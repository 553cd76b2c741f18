/** The plain manifests are what this chart renders, by either Helm, and name no Helm. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MANIFESTS, renderManifest } from '../../scripts/generate-deploy.ts';
import { member, valueAt } from '../../src/objects/json.ts';
import { configurationOf, findHelms, HELMS, parse } from './rendering.ts';

let helms: Readonly<Record<(typeof HELMS)[number], string>>;
beforeAll(async () => {
  helms = await findHelms();
});

describe.each(MANIFESTS)('deploy/$file', (manifest) => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'deploy', manifest.file), 'utf8');

  it('is what the chart renders now', async () => {
    expect(text).toBe(await renderManifest(manifest, helms.helm));
    const three = await renderManifest(manifest, helms.helm3);
    expect(parse(three)).toEqual(expect.arrayContaining([...parse(text)]));
    expect(parse(three).length).toBe(parse(text).length);
  });

  it('begins with its namespace, and nothing in it is said to be of Helm', () => {
    const objects = parse(text);
    expect(objects[0]).toMatchObject({ kind: 'Namespace', metadata: { name: 'curfew-system' } });
    expect(objects.filter((object) => JSON.stringify(valueAt(object, ['metadata'])).includes('managed-by'))).toEqual(
      [],
    );
    expect(objects.map((object) => member(object, 'kind'))).not.toContain('Pod');
    expect(configurationOf(objects)['dryRun']).toBe(manifest.file === 'curfew-audit.yaml');
  });
});
