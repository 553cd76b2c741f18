import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWith } from '../unit/cli/run-command.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';

let server: FakeApiServer;
beforeEach(async () => {
  server = await startFakeApiServer();
  for (const namespace of ['shop', 'other']) {
    server.put(`/api/v1/namespaces/${namespace}`, { metadata: { name: namespace } });
    server.put(`/api/v1/namespaces/${namespace}/serviceaccounts/web`, { metadata: { name: 'web', namespace } });
  }
});
afterEach(() => server.stop());

const audit = async (columns: number | undefined, ...args: readonly string[]) =>
  await runWith(columns === undefined ? {} : { columns }, 'audit', '--kubeconfig', server.kubeconfig, ...args);

describe('curfew audit', () => {
  it('counts on a terminal and takes it away again, and elsewhere draws nothing', async () => {
    const { drawn, out } = await audit(40);
    expect(drawn).toContain('serviceaccounts …');
    expect(drawn.endsWith('\r\u001B[2K')).toBe(true);
    for (const line of drawn.split('\r\u001B[2K')) expect(line.length).toBeLessThan(40);
    expect(out).toContain('Scorecard');
    expect((await audit(undefined)).drawn).toBe('');
  });

  it('looks at one namespace, or at all of them as people say it to kubectl', async () => {
    await audit(undefined, '-n', 'shop');
    expect(server.requests.some(({ path }) => path === '/api/v1/namespaces/shop/serviceaccounts')).toBe(true);
    expect(server.requests.some(({ path }) => path === '/api/v1/serviceaccounts')).toBe(false);
    await audit(undefined, '-A');
    expect(server.requests.some(({ path }) => path === '/api/v1/serviceaccounts')).toBe(true);
  });

  it('asks for no token unless it is told for whom', async () => {
    const { out } = await audit(undefined, '--show', 'limits');
    expect(out).toContain('--measure-with NAMESPACE/ACCOUNT names one');
    expect(server.requests.every(({ method }) => method === 'GET')).toBe(true);
    await audit(undefined, '--measure-with', 'shop/web');
    const posts = server.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);
    expect(new Set(posts)).toEqual(new Set(['/api/v1/namespaces/shop/serviceaccounts/web/token']));
  });

  it('tells the sections that are asked for, and no other', async () => {
    const { out } = await audit(
      undefined,
      '--show',
      'accounts',
      'pod-security',
      'foreign',
      'tokens',
      'restarts',
      'secrets',
    );
    expect(out).toContain('shop/web');
    expect(out).toMatch(/Pod Security by label:\n {2}namespace +enforce/);
    expect(out).toContain('Tokens in pods: none');
    expect(out).not.toContain('Scorecard');
  });

  it.each([
    ['--measure-with', 'web'],
    ['--measure-with', 'a/b/c'],
    ['--show', 'everything'],
  ])('does not guess what is meant by %s %s', async (...args) => {
    expect((await audit(undefined, ...args)).code).toBe(64);
  });
});
