import { expect, it } from 'vitest';
import { playScenes } from '../scripts/try-scenes.ts';
import { setUpSuite } from './suite.ts';

const suite = setUpSuite({ mutateMode: 'apply' });

/** What `npm run try` plays; everything it says below a `$` is what the API server answered. */
it('plays four scenes, and each ends as its title says', async () => {
  const lines: string[] = [];
  await playScenes(suite.cluster, { say: (line) => lines.push(line), signal: new AbortController().signal });
  const [, secret = '', lifetime = '', undocumented = '', mended = ''] = lines.join('\n').split('\n=== ');

  expect(secret).toContain('  long-lived-token-secret at /type');
  expect(lifetime.match(/\([^)]*(?:days|hour)\)/g)).toEqual(['(365 days)', '(1 hour)']);
  expect(undocumented).toContain('Warning: curfew pod-automount: undocumented API token in container app');
  expect(undocumented).toContain('pod/report created');
  expect(undocumented).toContain('  pod-automount at /spec/containers/0/volumeMounts/0');
  expect(mended.match(/^.* created$/gm)).toEqual([
    'pod/report created',
    'serviceaccount/operator created',
    'pod/operator created',
  ]);
  expect(mended).not.toContain('Error from server');
});
