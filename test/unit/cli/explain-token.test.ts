import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt } from '../../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { readTokenFacts } from '../../../src/objects/pasted-tokens/token-facts.ts';
import { renderTokenPage } from '../../../src/reports/token-page.ts';
import { run, runWith } from './run-command.ts';

const NOW = Date.UTC(2026, 10, 26, 7);
const IN_AN_HOUR = NOW / 1000 + 3600;

function boundTo(more: JsonObject, seconds = 3600, end = IN_AN_HOUR): JsonObject {
  const claims = exampleBoundClaims(seconds, { exp: end });
  return { ...claims, 'kubernetes.io': { ...(claims['kubernetes.io'] as JsonObject), ...more } };
}

describe('The page of a token says what it is', () => {
  it.each<[string, JsonObject]>([
    ['of a pod', boundTo({ pod: { name: 'web-7d4b9', uid: 'p' }, node: { name: 'worker-1', uid: 'n' } })],
    [
      'extended',
      boundTo(
        { pod: { name: 'web-7d4b9', uid: 'p' }, warnafter: NOW / 1000 + 3600 },
        31_536_000,
        NOW / 1000 + 31_535_993,
      ),
    ],
    ['of nothing', boundTo({})],
    ['for a service', { ...boundTo({}), aud: 'vault' }],
    ['of a node', boundTo({ node: { name: 'worker-1', uid: 'n' } })],
    ['legacy', EXAMPLE_LEGACY_CLAIMS],
    ['expired', boundTo({}, 3600, NOW / 1000 - 90_000)],
    ['with hostile names', { ...boundTo({ pod: { name: 'x; rm -rf /\u001b[31m', uid: 'p' } }), aud: ['a\nb'] }],
  ])('%s', async (name, claims) => {
    const facts = readTokenFacts(claims);
    if (facts === undefined) throw new Error('it is a service account token');
    const page = renderTokenPage(facts, {
      now: NOW,
      apiAudiences: ['https://kubernetes.default.svc'],
      isAssumed: true,
    });
    await expect(page).toMatchFileSnapshot(
      join(import.meta.dirname, '../../golden/tokens', `${name.replaceAll(' ', '-')}.txt`),
    );
  });
});

describe('curfew explain-token', () => {
  const TOKEN = exampleJwt(exampleBoundClaims(3600));
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'curfew-token-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([`${TOKEN}\n`, `Bearer ${TOKEN}`, `  ${TOKEN}  \n`])(
    'reads standard input, and never prints it',
    async (input) => {
      const { code, out, error } = await runWith({ input }, 'explain-token', '-');
      expect({ code, error }).toEqual({ code: 0, error: '' });
      expect(out).toContain('service account ci/deployer');
      for (const part of TOKEN.split('.')) expect(out).not.toContain(part);
    },
  );

  it('reads a file', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, TOKEN);
    expect((await run('explain-token', file)).out).toContain(
      'To revoke it: kubectl delete serviceaccount deployer --namespace ci',
    );
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'standard input is empty; a token is expected'],
    [
      'what is no token',
      'super-secret',
      'standard input holds no token: three parts of base64url are expected, with dots between; 1 seen',
    ],
    [
      'three parts of what is no JSON',
      'super.secret.text',
      'three parts of base64url are expected, with dots between; 3 seen',
    ],
    [
      'a token of somebody else',
      exampleJwt({ iss: 'https://accounts.example', sub: 'super-secret' }),
      'not of a Kubernetes service account',
    ],
    ['a text without an end', 'super-secret.'.repeat(10_000), 'holds no token'],
  ])('refuses %s without a word of it', async (_what, input, message) => {
    const { code, out, error } = await runWith({ input }, 'explain-token', '-');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(error).toContain(message);
    expect(error).not.toContain('super');
  });

  it('takes no token as an argument, and does not repeat one that was meant as one', async () => {
    for (const argument of [TOKEN, `${TOKEN}x`, `/nowhere/${TOKEN}`]) {
      const { code, out, error } = await run('explain-token', argument);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(error).not.toContain(TOKEN.slice(0, 20));
    }
    expect((await run('explain-token', TOKEN)).error).toContain('a token is never an argument');
  });
});
