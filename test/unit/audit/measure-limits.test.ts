import { describe, expect, it } from 'vitest';
import { measureLimits, toOwnAccount } from '../../../src/audit/measure-limits.ts';
import type { KubeRequest, KubeResponse } from '../../../src/kube/api.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { member, valueAt } from '../../../src/objects/json.ts';

const YEAR = 31_536_000;
const LONGEST = 4_294_967_296;
const ACCOUNT = { namespace: 'shop', name: 'web' };
const POD = { name: 'web-1', uid: 'u' };
const ISSUER = 'https://kubernetes.default.svc';

type ApiServer = {
  readonly maximum?: number;
  readonly extends?: boolean;
  readonly pods?: readonly JsonObject[];
  readonly cap?: number;
};

/** As pkg/registry/core/serviceaccount/storage/token.go does it. @param cap - of an admission webhook */
function createApi(
  { maximum, extends: doesExtend = true, pods = [{ metadata: POD }], cap = LONGEST }: ApiServer,
  refuse = (_spec: unknown) => false,
) {
  const asked: KubeRequest[] = [];
  const tokens: string[] = [];
  const request = async (one: KubeRequest): Promise<KubeResponse> => {
    asked.push(one);
    if (one.method === 'GET') return { status: 200, body: { items: pods } };
    const spec = member(one.body, 'spec');
    if (refuse(spec))
      return {
        status: 403,
        body: { kind: 'Status', message: 'serviceaccounts "web" is forbidden', reason: 'Forbidden' },
      };
    const seconds = Math.min(Number(member(spec, 'expirationSeconds')), cap, maximum ?? LONGEST);
    const own = valueAt(spec, ['audiences']) === undefined;
    const isYear = doesExtend && own && valueAt(spec, ['boundObjectRef']) !== undefined && seconds === 3607;
    const claims = {
      iss: ISSUER,
      aud: own ? ['api', 'api2'] : valueAt(spec, ['audiences']),
      iat: 1_000,
      exp: 1_000 + (isYear ? YEAR : seconds),
    };
    const token = `${toPart({ alg: 'RS256' })}.${toPart(claims)}.c2VjcmV0`;
    tokens.push(token);
    return { status: 201, body: { spec: { expirationSeconds: seconds }, status: { token } } };
  };
  return { asked, tokens, client: { request } };
}

const toPart = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

async function measure(api: ReturnType<typeof createApi>, more: object = {}) {
  const signal = new AbortController().signal;
  return await measureLimits({ client: api.client, signal, account: ACCOUNT, ownClaims: undefined, ...more });
}

describe('The limits of an API server', () => {
  it.each<[string, ApiServer, object]>([
    ['as it comes', {}, { measured: true, issuer: ISSUER, apiAudiences: ['api', 'api2'], extendsTo: YEAR }],
    [
      'with no extension',
      { extends: false },
      { measured: true, issuer: ISSUER, apiAudiences: ['api', 'api2'], extendsTo: 3607 },
    ],
    [
      'with a maximum',
      { maximum: 86_400 },
      { measured: true, issuer: ISSUER, apiAudiences: ['api', 'api2'], maximumSeconds: 86_400, extendsTo: YEAR },
    ],
  ])('are measured: one %s', async (_title, server, expected) => {
    expect(await measure(createApi(server))).toEqual(expected);
  });

  it('are not all seen where no pod can be bound to', async () => {
    const limits = await measure(createApi({ pods: [] }));
    expect(limits).toMatchObject({ measured: true, apiAudiences: ['api', 'api2'] });
    expect(limits).not.toHaveProperty('extendsTo');
    expect(limits.reason).toBe(
      'No pod of account shop/web can be found, and only a token that is bound to one is extended. A token of 3607 s is taken to live for a year, as it does unless the API server is told otherwise.',
    );
  });

  it('are not seen through a webhook that asks for less', async () => {
    const limits = await measure(createApi({ cap: 3600 }));
    expect(limits.reason).toMatch(/^Something made 3600 s of the 3607 s that were asked for/);
    expect(limits).not.toHaveProperty('extendsTo');
  });

  it('are not measured where nobody may ask, and nobody asks where nobody said for whom', async () => {
    const limits = await measure(createApi({}, () => true));
    expect(limits).toMatchObject({
      measured: false,
      reason: expect.stringMatching(/^No token of account shop\/web was given: .*forbidden/),
    });
    const api = createApi({});
    expect(await measure(api, { account: undefined })).toMatchObject({
      measured: false,
      reason: expect.stringContaining('--measure-with'),
    });
    expect(api.asked).toEqual([]);
  });

  it('are half seen where a webhook refuses the longest one', async () => {
    const limits = await measure(createApi({}, (spec) => member(spec, 'expirationSeconds') === LONGEST));
    expect(limits).toMatchObject({ measured: true, extendsTo: YEAR, reason: expect.stringContaining('forbidden') });
  });

  it('are told by the token that is mounted, and no token for the API is asked for then', async () => {
    const ownClaims = { iss: ISSUER, aud: 'api', iat: 5, exp: 5 + YEAR, 'kubernetes.io': { warnafter: 3612 } };
    const api = createApi({});
    expect(await measure(api, { ownClaims })).toEqual({
      measured: true,
      issuer: ISSUER,
      apiAudiences: ['api'],
      extendsTo: YEAR,
    });
    expect(api.asked.map(({ body }) => valueAt(body, ['spec', 'audiences']))).toEqual([['curfew.dev/unused']]);
  });

  it('are asked for with the longest lifetime only for an audience that nobody has, and no token is told', async () => {
    const api = createApi({ maximum: 7_200 });
    const told = JSON.stringify(await measure(api));
    const long = api.asked.filter(({ body }) => Number(valueAt(body, ['spec', 'expirationSeconds'])) > 3607);
    expect(long.map(({ body }) => valueAt(body, ['spec', 'audiences']))).toEqual([['curfew.dev/unused']]);
    for (const token of api.tokens) expect(told).not.toContain(token.split('.')[1]);
  });

  it('are those of the account and the pod that a mounted token names', () => {
    const claims = { 'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web' }, pod: POD } };
    expect(toOwnAccount(claims)).toEqual({ ...ACCOUNT, pod: POD });
    expect(toOwnAccount({ sub: 'somebody' })).toBeUndefined();
  });
});
