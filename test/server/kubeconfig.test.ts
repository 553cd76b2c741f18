import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeRequest } from '../../src/kube/api.ts';
import { connect } from '../../src/kube/client.ts';
import { readOwnToken } from '../../src/kube/own-token.ts';
import { describeError } from '../../src/kube/sentences.ts';
import { type FakeApiServer, sendStatus, startFakeApiServer, toKubeconfig } from './fake-api-server.ts';

let server: FakeApiServer;
const get = (path: string): KubeRequest => ({ method: 'GET', path, signal: new AbortController().signal });

beforeEach(async () => {
  server = await startFakeApiServer();
});

afterEach(() => server.stop());

async function write(name: string, text: string): Promise<string> {
  const file = join(server.folder, name);
  await writeFile(file, text);
  return file;
}

describe('kubeconfig', () => {
  const minimal = { clusters: [], users: [], contexts: [] };

  it.each([
    ['no YAML', 'a: [b\n token: s3cr3t\n', /: line 2: missed comma between flow collection entries\.$/],
    ['an empty file', '', /expected a document, but the input is empty\.$/],
    [
      'a cluster without a server',
      JSON.stringify({ clusters: [{ name: 'a', cluster: {} }] }),
      /clusters\[0\]\.cluster\.server is missing\.$/,
    ],
    [
      'a server that is a number',
      JSON.stringify({ clusters: [{ name: 'a', cluster: { server: 3 } }] }),
      /wrong type\.$/,
    ],
    ['no context', JSON.stringify(minimal), /: current-context is not set, and no context was named\.$/],
    [
      'an unknown context',
      JSON.stringify({ ...minimal, 'current-context': 'x' }),
      /: contexts has no entry named "x"\.$/,
    ],
    [
      'an unknown cluster',
      JSON.stringify({ ...minimal, 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'c' } }] }),
      /: contexts\["x"\]\.context\.cluster is "c", not in clusters\.$/,
    ],
  ])('says what is wrong with %s', async (_, text, sentence) => {
    const kubeconfig = await write('bad', text);
    const failing = connect({ kubeconfig });
    await expect(failing).rejects.toThrow(sentence);
    await expect(failing).rejects.toThrow(`Kubeconfig ${kubeconfig}`);
    await expect(failing).rejects.not.toThrow('s3cr3t');
  });

  it('says that a file does not exist, that a CA is damaged, and that http is not safe', async () => {
    const missing = join(server.folder, 'missing');
    await expect(connect({ kubeconfig: missing })).rejects.toThrow(`Kubeconfig ${missing}: it does not exist.`);
    const damaged = await write('damaged', toKubeconfig({ server: server.url, ca: 'x' }));
    await expect(connect({ kubeconfig: damaged })).rejects.toThrow(
      'clusters["fake"].cluster.certificate-authority-data is no base64 of a PEM certificate.',
    );
    const http = await write('http', toKubeconfig({ server: 'http://127.0.0.1:1', ca: server.ca }));
    await expect(connect({ kubeconfig: http })).rejects.toThrow(
      '.server is http, which needs insecure-skip-tls-verify',
    );
  });

  it('takes another context by name', async () => {
    await expect(connect({ kubeconfig: server.kubeconfig, context: 'prod' })).rejects.toThrow(
      `Kubeconfig ${server.kubeconfig}: contexts has no entry named "prod".`,
    );
    const chosen = await connect({ kubeconfig: server.kubeconfig, context: 'fake' });
    expect(chosen.server).toBe(server.url);
  });

  it('keeps the path of a server behind a gateway', async () => {
    const file = await write('path', toKubeconfig({ server: `${server.url}/k8s/clusters/c-1/`, ca: server.ca }));
    const gateway = await connect({ kubeconfig: file });
    await gateway.request(get('/api/v1/pods'));
    expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/pods');
  });

  it('reads a token file, whose path is relative to the kubeconfig', async () => {
    await write('token', 'from-file\n');
    const user = { tokenFile: 'token' };
    const file = await write('token-file', toKubeconfig({ server: server.url, ca: server.ca, user }));
    const other = await connect({ kubeconfig: file });
    await other.request(get('/x'));
    expect(server.requests[0]?.headers.authorization).toBe('Bearer from-file');
  });

  it('runs an exec plugin, and quotes nothing of what it prints when it fails', async () => {
    const plugin = await write(
      'plugin.sh',
      '#!/bin/sh\necho \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}\'\n',
    );
    await chmod(plugin, 0o700);
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } };
    const file = await write('exec', toKubeconfig({ server: server.url, ca: server.ca, user }));
    await (await connect({ kubeconfig: file })).request(get('/x'));
    expect(server.requests[0]?.headers.authorization).toBe('Bearer from-plugin');

    await writeFile(plugin, '#!/bin/sh\necho "s3cr3t-token"\n');
    const printing = (await connect({ kubeconfig: file })).request(get('/x'));
    await expect(printing).rejects.toThrow(`Credentials for ${server.url}: the answer is not valid JSON`);
    await writeFile(plugin, '#!/bin/sh\necho "login first: token: s3cr3t" >&2\nexit 1\n');
    const failing = (await connect({ kubeconfig: file })).request(get('/x'));
    await expect(failing).rejects.toThrow(`Credentials for ${server.url}: login first: token: [token]`);
  });

  it('uses what an exec plugin said for requests that come together, and asks again once it is refused', async () => {
    const plugin = join(server.folder, 'counting-plugin');
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' };
    // A token for each time that it is asked; one that has ended already, so that it is not kept by the library.
    const status = `{"token": "token-'$count'", "expirationTimestamp": "2020-01-01T00:00:00Z"}`;
    const said = JSON.stringify({ ...credential, status: {} }).replace('{}', status);
    const counted = join(server.folder, 'count');
    await write(
      'counting-plugin',
      `#!/bin/sh\ncount=$(($(cat ${counted} 2>/dev/null || echo 0) + 1))\necho $count >${counted}\necho '${said}'\n`,
    );
    await chmod(plugin, 0o755);
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } };
    const file = await write('counting', toKubeconfig({ server: server.url, ca: server.ca, user }));
    const client = await connect({ kubeconfig: file });
    server.intercept = (_, response) => {
      sendStatus(response, 401, 'Unauthorized');
      return 'handled';
    };
    const refused = await Promise.all([client.request(get('/a')), client.request(get('/b'))]);
    expect(refused.map(({ status: code }) => code)).toEqual([401, 401]);
    await client.request(get('/c'));
    expect(server.requests.map(({ path, headers }) => `${path} ${headers.authorization}`).toSorted()).toEqual([
      '/a Bearer token-1',
      '/b Bearer token-1',
      '/c Bearer token-2',
    ]);
  });

  it('merges the files of KUBECONFIG, the first mention wins', async () => {
    const before = process.env['KUBECONFIG'];
    const second = await write('second', (await readFile(server.kubeconfig, 'utf8')).replace('fake-token', 'other'));
    process.env['KUBECONFIG'] = `${server.folder}/missing:${server.kubeconfig}:${second}`;
    try {
      await (await connect({})).request(get('/x'));
    } finally {
      if (before === undefined) delete process.env['KUBECONFIG'];
      else process.env['KUBECONFIG'] = before;
    }
    expect(server.requests[0]?.headers.authorization).toBe('Bearer fake-token');
  });
});

describe('readOwnToken', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (claims: unknown) => `${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`;

  it('reads issuer and audiences', async () => {
    const file = await write('token', `${token({ iss: 'https://issuer', aud: ['a', 'b'] })}\n`);
    expect(await readOwnToken(file)).toEqual({ issuer: 'https://issuer', audiences: ['a', 'b'] });
    const single = await write('single', token({ iss: 'https://issuer', aud: 'a' }));
    expect(await readOwnToken(single)).toEqual({ issuer: 'https://issuer', audiences: ['a'] });
  });

  it('is undefined without a file, a token or an issuer', async () => {
    expect(await readOwnToken(join(server.folder, 'missing'))).toBeUndefined();
    expect(await readOwnToken(await write('text', 'no token'))).toBeUndefined();
    expect(await readOwnToken(await write('large', 'x'.repeat(100_000)))).toBeUndefined();
    expect(await readOwnToken(await write('plain', token({ aud: ['a'] })))).toBeUndefined();
  });
});

describe('describeError', () => {
  it('is one bounded line without tokens', () => {
    const text = `Authorization: Bearer abc.def\n${'x'.repeat(1000)}`;
    expect(describeError(new Error(text))).toMatch(/^Authorization: Bearer \[token\] x{200,}…$/);
    expect(describeError(new Error('found eyJhbGciOi.eyJpc3Mi.c2ln here'))).toBe('found [token] here');
  });
});
