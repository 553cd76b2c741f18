import { Type } from 'typebox';
import type { ApiAccessSource, DocumentedAccess } from '../objects/api-access.ts';
import { API_ACCESS_ANNOTATION, findDocumentedAccess, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { exampleNamespace, exampleServiceAccount, exampleTokenRequest } from '../objects/example-objects.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import type { AskedToken } from '../objects/token-request.ts';
import {
  buildTokenCommand,
  listApiAudiences,
  READS_TOKEN_REQUESTS,
  readTokenRequest,
} from '../objects/token-request.ts';
import { DEFAULT_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { Outcome } from './define-check.ts';
import { defineCheck } from './define-check.ts';

/** Audiences named in one sentence. */
const MOST_NAMED = 3;

type Asked = {
  readonly subject: Subject;
  readonly asked: AskedToken;
  readonly allowed: readonly string[] | undefined;
  readonly context: RuleContext;
};

export default defineCheck({
  id: 'token-request-audience',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object(
    {
      allowed: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
          minItems: 1,
          maxItems: 1000,
          uniqueItems: true,
          description:
            'Audiences that may be asked for. With the API server’s own among them, API tokens need no documented access. Default: any audience but the API server’s own.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: {},
  reads: READS_TOKEN_REQUESTS,
  needs: ['serviceAccount'],
  title: 'requested tokens for the Kubernetes API that nobody documented, and for audiences that are not allowed',
  why: `A token without an audience is one for the Kubernetes API: the API server puts its own audience in. Given to another
service, as a login to Vault or to a cloud, it lets that service act as the service account in the cluster. A token with
the audience of the service it is for is worth nothing anywhere else. An account that does call the Kubernetes API says
so, once, by an annotation, and then gets such tokens.`,
  fix: (subject) => describeFix(subject, { apiAudiences: [], acceptFrom: ['ServiceAccount'] }),
  shortFix: () => 'ask for --audience',
  evaluate(subject, { options }, context) {
    const asked = readTokenRequest(subject.object);
    if (asked === undefined) return [];
    const { allowed } = options;
    return [
      ...judgeApiAudience({ subject, asked, allowed, context }),
      ...judgeOtherAudiences({ subject, asked, allowed, context }),
    ];
  },
  examples: [
    {
      title: 'No audience, so it is a token for the Kubernetes API',
      level: 'restricted',
      subject: { object: exampleTokenRequest({}) },
      expect: ['api'],
    },
    {
      title: 'The API server’s own audience beside another one: the other service could act in the cluster',
      level: 'restricted',
      subject: { object: exampleTokenRequest({ audiences: ['vault', 'https://kubernetes.default.svc'] }) },
      expect: ['api'],
    },
    {
      title: 'An audience that is not on the list',
      level: 'restricted',
      options: { allowed: ['vault', 'conjur'] },
      subject: { object: exampleTokenRequest({ audiences: ['sts.amazonaws.com', 'vault'] }) },
      expect: ['not-listed'],
    },
    {
      title: 'A documented need of the Kubernetes API allows no other audience',
      level: 'restricted',
      options: { allowed: ['vault'] },
      subject: { object: exampleTokenRequest({ audiences: ['sts.amazonaws.com'] }) },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'deploys shop' }) },
      expect: ['not-listed'],
    },
    {
      title: 'The audience of the service that the token is for',
      level: 'restricted',
      subject: { object: exampleTokenRequest({ audiences: ['vault'] }) },
      expect: 'allowed',
    },
    {
      title: 'No audience, for a service account whose need of the API is documented',
      level: 'restricted',
      subject: { object: exampleTokenRequest({}) },
      context: { serviceAccount: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'deploys shop' }) },
      expect: 'allowed',
    },
    {
      title: 'No audience, in a namespace that documents the need of all its accounts, where that counts',
      level: 'restricted',
      subject: { object: exampleTokenRequest({}) },
      context: {
        namespace: exampleNamespace({ [API_ACCESS_ANNOTATION]: 'operators' }),
        acceptApiAccessFrom: ['ServiceAccount', 'Namespace'],
      },
      expect: 'allowed',
    },
    {
      title: 'No audience, bound to a pod that may document its need itself',
      level: 'restricted',
      subject: {
        object: exampleTokenRequest({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'runner' } }),
      },
      context: { acceptApiAccessFrom: ['ServiceAccount', 'Pod'] },
      expect: 'undecided',
    },
    {
      title: 'No audience, where the API server’s own is on the list',
      level: 'restricted',
      options: { allowed: ['vault', 'https://kubernetes.default.svc'] },
      subject: { object: exampleTokenRequest({}) },
      expect: 'allowed',
    },
    {
      title: 'An audience on the list',
      level: 'restricted',
      options: { allowed: ['vault', 'conjur'] },
      subject: { object: exampleTokenRequest({ audiences: ['conjur'] }) },
      expect: 'allowed',
    },
  ],
});

/** A token for the API is right for an account that needs the API, whoever asks for it. */
function judgeApiAudience({ subject, asked, allowed, context }: Asked): readonly Outcome[] {
  const { apiAudiences } = context.cluster;
  const own = listApiAudiences(asked, apiAudiences);
  const isForApi = asked.audiences.length === 0 || own.length > 0;
  if (!isForApi || (own.length > 0 && own.every((audience) => allowed?.includes(audience)))) return [];

  const account = `service account ${subject.namespace}/${subject.name}`;
  const access = findAccess(subject, asked, context);
  switch (access.state) {
    case 'documented': {
      const where = access.source === 'Namespace' ? `namespace ${subject.namespace}` : account;
      return [{ documented: true, where, reason: access.reason }];
    }
    case 'unknown':
      return [
        {
          undecided: true,
          needs: 'serviceAccount',
          detail: `cannot tell whether ${account} documents its need of the API: ${access.why}`,
        },
      ];
    case 'undocumented':
      break;
  }
  const named = own.length === 0 ? '' : ` (${quoteSome(own)})`;
  const others = asked.audiences.filter((audience) => !own.includes(audience));
  return [
    {
      path: asked.audiencesPath,
      key: 'api',
      reason: 'undocumented API token',
      detail:
        others.length === 0
          ? `the token is for the Kubernetes API${named}, as every token without an audience is, and nothing says why ${account} needs it${describeFault(access.fault)}.`
          : `the token for ${quoteSome(others)} is for the Kubernetes API${named} as well, so whoever gets it can act as ${account} in the cluster${describeFault(access.fault)}.`,
      fix: describeFix(subject, { apiAudiences, allowed, acceptFrom: context.acceptApiAccessFrom }),
    },
  ];
}

/** As for pods; what a pod says of itself is not looked up, so a token bound to one stays open where that may count. */
function findAccess(subject: Subject, asked: AskedToken, context: RuleContext): DocumentedAccess {
  const access = findDocumentedAccess({
    serviceAccount: context.serviceAccount(subject.name),
    namespace: context.namespace,
    acceptFrom: context.acceptApiAccessFrom,
  });
  if (access.state !== 'undocumented' || asked.bound?.kind !== 'Pod') return access;
  if (!context.acceptApiAccessFrom.includes('Pod')) return access;
  return { state: 'unknown', source: 'Pod', why: 'the pod that the token is bound to is not looked up' };
}

function describeFault(fault: string | undefined): string {
  return fault === undefined ? '' : ` (${fault})`;
}

function judgeOtherAudiences({ subject, asked, allowed, context }: Asked): readonly Outcome[] {
  if (allowed === undefined) return [];
  const { apiAudiences } = context.cluster;
  const known = new Set([...allowed, ...apiAudiences]);
  const unknown = asked.audiences.filter((audience) => !known.has(audience));
  if (unknown.length === 0) return [];
  const kept = asked.audiences.filter((audience) => allowed.includes(audience) && !apiAudiences.includes(audience));
  return [
    {
      path: asked.audiencesPath,
      key: 'not-listed',
      reason: 'an audience that is not allowed',
      detail: `${quoteSome(unknown)} ${unknown.length === 1 ? 'is not an allowed audience' : 'are not allowed audiences'}; allowed: ${quoteSome(allowed)}.`,
      fix: `ask for an allowed audience: ${buildShortCommand(subject, kept.length > 0 ? kept : allowed.slice(0, 1), apiAudiences)}`,
      shortFix: `allowed: ${nameShort(allowed)}`,
    },
  ];
}

type FixOptions = {
  readonly apiAudiences: readonly string[];
  readonly allowed?: readonly string[] | undefined;
  readonly acceptFrom: readonly ApiAccessSource[];
};

/** Why the identity needs the API is said once, where that counts. */
function describeFix(subject: Subject, { apiAudiences, allowed, acceptFrom }: FixOptions): string {
  const asked =
    readTokenRequest(subject.object)?.audiences.filter((audience) => !apiAudiences.includes(audience)) ?? [];
  const audiences = asked.length > 0 ? asked : (allowed?.slice(0, 1) ?? ['AUDIENCE']);
  const named = `name the service that the token is for: ${buildShortCommand(subject, audiences, apiAudiences)}`;
  const namespace = nameForCommand(subject.namespace, 'NAMESPACE');
  const object = acceptFrom.includes('ServiceAccount')
    ? `service account ${namespace}/${nameForCommand(subject.name, 'ACCOUNT')}`
    : acceptFrom.includes('Namespace')
      ? `namespace ${namespace}`
      : undefined;
  if (object === undefined) return named;
  return `if it calls the Kubernetes API, say why in the annotations of ${object}: ${API_ACCESS_ANNOTATION}: "${REASON_PLACEHOLDER}"; if not, ${named}`;
}

/** An hour at most, so that what is pasted is not refused for its lifetime next. */
function buildShortCommand(subject: Subject, audiences: readonly string[], apiAudiences: readonly string[]): string {
  const asked = readTokenRequest(subject.object)?.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS;
  const expirationSeconds = Math.min(asked, DEFAULT_EXPIRATION_SECONDS);
  return buildTokenCommand(subject, { expirationSeconds, audiences }, apiAudiences);
}

function quoteSome(audiences: readonly string[]): string {
  const hidden = audiences.length - MOST_NAMED;
  return `${audiences.slice(0, MOST_NAMED).map(quote).join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`;
}

/** Audiences may be long addresses, and a warning is one line. */
export function nameShort(audiences: readonly string[]): string {
  const [first = ''] = audiences;
  if (first.length > 40) return 'see the list in the configuration';
  return audiences.length === 1 ? first : `${first} and ${audiences.length - 1} more`;
}
