import { Type } from 'typebox';
import { formatDuration } from '../objects/duration.ts';
import { toBase64 } from '../objects/example-tokens.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, valueAt } from '../objects/json.ts';
import { decodeBase64 } from '../objects/pasted-tokens/base64-quads.ts';
import type { Subject } from '../objects/subject.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';

export const BOOTSTRAP_TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
/** Elsewhere such a Secret is no token (kubernetes, plugin/pkg/auth/authenticator/token/bootstrap). */
export const NAMESPACE = 'kube-system';

const DAY_SECONDS = 86_400;

/** RFC 3339 as Go reads it: capital letters, a colon in the offset, nothing before or after. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;

export default defineCheck({
  id: 'bootstrap-token-expiration',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object(
    {
      maxSeconds: Type.Optional(
        Type.Integer({
          minimum: 60,
          maximum: 4_294_967_296,
          description:
            'Longest time, in seconds, that a bootstrap token may still be valid. By default any expiration will do.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: {},
  reads: [{ group: '', resource: 'secrets', operations: ['CREATE', 'UPDATE'] }],
  needs: [],
  title: `Secrets of type \`${BOOTSTRAP_TOKEN_TYPE}\` in ${NAMESPACE} without an expiration`,
  why: `With a bootstrap token anyone can join a node to the cluster, and a node gets tokens of the service accounts of its
pods. Such a token is for the minutes in which nodes join. Without an expiration it works until somebody remembers it; with
one, Kubernetes deletes the Secret when its time has come. An expiration that Kubernetes cannot read makes it take the token
for expired, so it is refused as well, before anybody wonders why nodes cannot join.`,
  fix: () => 'write into the key expiration when it ends; or have one made that does: kubeadm token create --ttl 24h',
  shortFix: () => 'use kubeadm token create --ttl 24h',
  evaluate(subject, { options }, context) {
    if (subject.namespace !== NAMESPACE || valueAt(subject.object, ['type']) !== BOOTSTRAP_TOKEN_TYPE) return [];
    const finding = judgeExpiration(readExpiration(subject), { maxSeconds: options.maxSeconds, now: context.now });
    return finding === undefined ? [] : [{ ...finding, fix: describeFix(options.maxSeconds, context.now) }];
  },
  examples: [
    { title: 'Without an expiration', level: 'baseline', subject: { object: token('aaaaaa') }, expect: ['none'] },
    {
      title: 'With an expiration that is empty',
      level: 'restricted',
      subject: { object: token('aaaaaa', '') },
      expect: ['none'],
    },
    {
      title: 'With an expiration that Kubernetes cannot read',
      level: 'baseline',
      subject: { object: token('aaaaaa', '24h') },
      expect: ['unreadable'],
    },
    {
      title: 'An update that takes the expiration away',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        oldObject: token('bbbbbb', '2100-01-01T00:00:00Z'),
        object: token('bbbbbb', ''),
      },
      expect: ['none'],
    },
    {
      title: 'An update of an old one that changes nothing of it is only warned about',
      level: 'baseline',
      subject: { operation: 'UPDATE', oldObject: token('cccccc'), object: token('cccccc') },
      expect: ['none'],
    },
    {
      title: 'One that is valid for longer than the configuration allows',
      level: 'baseline',
      subject: { object: token('aaaaaa', '2100-01-01T00:00:00Z') },
      options: { maxSeconds: 86_400 },
      expect: ['too-late'],
    },
    {
      title: 'With an expiration',
      level: 'restricted',
      subject: { object: token('aaaaaa', '2100-01-01T02:00:00+02:00') },
      expect: 'allowed',
    },
    {
      title: 'In another namespace, where it is no token',
      level: 'restricted',
      subject: { object: { ...token('aaaaaa'), metadata: { name: 'bootstrap-token-aaaaaa', namespace: 'shop' } } },
      expect: 'allowed',
    },
    {
      title: 'Another Secret',
      level: 'restricted',
      subject: { object: { ...token('aaaaaa'), type: 'Opaque' } },
      expect: 'allowed',
    },
  ],
});

type Expiration = { readonly path: string; readonly text: string };

/** `stringData` wins, as the API server writes it over `data`. */
function readExpiration({ object }: Subject): Expiration {
  const plain = asString(valueAt(object, ['stringData', 'expiration']));
  if (plain !== undefined) return { path: '/stringData/expiration', text: plain };
  const encoded = asString(valueAt(object, ['data', 'expiration']));
  if (encoded !== undefined) return { path: '/data/expiration', text: decodeBase64(encoded) ?? encoded };
  return { path: '/type', text: '' };
}

/** What the key holds is never shown, whatever somebody has put there. */
function judgeExpiration(
  { path, text }: Expiration,
  { maxSeconds, now }: { readonly maxSeconds: number | undefined; readonly now: number },
): Finding | undefined {
  if (text === '') {
    return {
      path,
      key: 'none',
      reason: 'a bootstrap token that never expires',
      detail:
        'key expiration is missing or empty, so the bootstrap token never expires; a time is wanted, in RFC 3339.',
    };
  }
  const time = RFC_3339.test(text) ? Date.parse(text.replace(',', '.')) : Number.NaN;
  if (Number.isNaN(time)) {
    return {
      path,
      key: 'unreadable',
      reason: 'a bootstrap token whose expiration cannot be read',
      detail:
        'key expiration holds no time in RFC 3339 such as 2026-01-31T12:00:00Z, so Kubernetes takes the token for expired.',
    };
  }
  const seconds = Math.ceil((time - now) / 1_000);
  if (maxSeconds === undefined || seconds <= maxSeconds) return undefined;
  return {
    path,
    key: 'too-late',
    reason: 'a bootstrap token that is valid for too long',
    detail: `key expiration is ${seconds} s from now; at most ${maxSeconds} s are allowed.`,
    shortFix: 'set an earlier expiration',
  };
}

/** A day is what kubeadm gives a token of its own (`--ttl`), and time enough to join nodes. */
function describeFix(maxSeconds: number | undefined, now: number): string {
  const seconds = Math.min(maxSeconds ?? DAY_SECONDS, DAY_SECONDS);
  const end = `${new Date(now + seconds * 1_000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
  return `write when it ends: {stringData: {expiration: "${end}"}}; or have one made that does: kubeadm token create --ttl ${formatDuration(seconds)}`;
}

/** The secret part is obviously none. */
function token(id: string, expiration?: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: NAMESPACE },
    type: BOOTSTRAP_TOKEN_TYPE,
    data: {
      'token-id': toBase64(id),
      'token-secret': toBase64('0123456789abcdef'),
      'usage-bootstrap-authentication': toBase64('true'),
      ...(expiration === undefined ? {} : { expiration: toBase64(expiration) }),
    },
  };
}
