/** Every mutation: its form in CEL, or what a policy of the API server cannot do. */

import { documentedCel, mapCel, quoteCel, REQUEST_NAMESPACE } from '../../checks/cel/cel-text.ts';
import { AUDIENCE, isDefaultCel, isForApiCel, SECONDS, SOURCES, volumesCel } from '../../checks/cel/pod-tokens.ts';
import { limitsCel } from '../../checks/cel/token-lifetime.ts';
import { isBoundToPodCel } from '../../checks/cel/token-requests.ts';
import { API_TOKEN_EXPIRATION_ANNOTATION, MIN_EXPIRATION_SECONDS } from '../../objects/api-token-expiration.ts';
import { SIDECAR_TOKENS } from '../../objects/foreign-tokens.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../../objects/injection-keys.ts';
import { isObject, member } from '../../objects/json.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import type { CelMutation, NoCelMutation } from './define-cel.ts';

const PLACE = { defaultVolumes: 'variables.defaultVolumes' };
const SPEC = 'object.spec';
const SOURCE_PATH = `"/spec/volumes/" + string(${volumesCel(SPEC)}.indexOf(v)) + "/projected/sources/" + string(v.projected.sources.indexOf(s)) + "/serviceAccountToken/expirationSeconds"`;

const defaultServiceAccountOptOut: CelMutation = {
  patches({ acceptApiAccessFrom }) {
    const documented = [
      ...(acceptApiAccessFrom.includes('ServiceAccount') ? [documentedCel('object.metadata')] : []),
      ...(acceptApiAccessFrom.includes('Namespace') ? [documentedCel('namespaceObject.metadata')] : []),
    ];
    const condition = [
      'object.metadata.name == "default"',
      '!has(object.automountServiceAccountToken)',
      ...documented.map((one) => `!${one}`),
    ].join(' && ');
    return `${condition} ? [JSONPatch{op: "add", path: "/automountServiceAccountToken", value: false}] : []`;
  },
};

const shortLivedApiToken: CelMutation = {
  left: `the annotation ${API_TOKEN_EXPIRATION_ANNOTATION} on a service account, which a policy does not see: one on the pod or the namespace counts`,
  patches({ options, apiAudiences }) {
    const most = `[${lifetimeCel(options)}, ${numberAt(options, 'maxExpirationSeconds', 86_400)}].max()`;
    const asked = `[[${askedCel()}, ${MIN_EXPIRATION_SECONDS}].max(), ${most}].min()`;
    const wanted = `(${askedCel()} < 0 ? ${lifetimeCel(options)} : ${asked})`;
    const isYear = `has(s.serviceAccountToken) && ${SECONDS} == ${EXTENDED_EXPIRATION_SECONDS} && ${isForApiCel(apiAudiences)}`;
    return patchSources(isDefaultCel(PLACE), isYear, wanted);
  },
};

function numberAt(options: unknown, key: string, otherwise: number): number {
  const value = member(options, key);
  return typeof value === 'number' ? value : otherwise;
}

/** What the configuration says for the namespace. */
function lifetimeCel(options: unknown): string {
  const seconds = numberAt(options, 'expirationSeconds', DEFAULT_EXPIRATION_SECONDS);
  const own = member(options, 'namespaces');
  const entries = isObject(own) ? Object.entries(own).map(([key, value]) => [key, JSON.stringify(value)] as const) : [];
  if (entries.length === 0) return String(seconds);
  return `(${REQUEST_NAMESPACE} in ${mapCel(entries)} ? ${mapCel(entries)}[${REQUEST_NAMESPACE}] : ${seconds})`;
}

/** Longer numbers overflow what CEL takes for a duration, and are more than any limit. */
const COUNTABLE = '^(0*[0-9]{1,5}h)?(0*[0-9]{1,7}m)?(0*[0-9]{1,9}s)?$';
const DURATION = '^([0-9]{1,10}h)?([0-9]{1,10}m)?([0-9]{1,10}s)?$';

/** The seconds that the pod asks for, else its namespace, as `parseSeconds` reads them; -1 where nothing can be read. */
function askedCel(): string {
  const key = quoteCel(API_TOKEN_EXPIRATION_ANNOTATION);
  const text = `(object.metadata.?annotations[?${key}].hasValue() ? object.metadata.annotations[${key}] : namespaceObject.metadata.?annotations[?${key}].orValue(""))`;
  const seconds = [
    `${text} == "" || size(${text}) > 32 ? -1`,
    `${text}.matches("^[0-9]{1,10}$") ? int(${text})`,
    `!${text}.matches(${quoteCel(DURATION)}) ? -1`,
    `${text}.matches(${quoteCel(COUNTABLE)}) ? duration(${text}).getSeconds()`,
    '4294967296',
  ].join(' : ');
  return `[${seconds}].map(n, n == ${EXTENDED_EXPIRATION_SECONDS} ? ${DEFAULT_EXPIRATION_SECONDS} : n)[0]`;
}

const asksForNothing = (object: string) =>
  `!${object}.metadata.?annotations.orValue({}).exists(k, k.startsWith(${quoteCel(TOKEN_ANNOTATION_PREFIX)}))`;

const capTokenLifetime: CelMutation = {
  condition: ({ injects }) => (injects ? ['object', 'namespaceObject'].map(asksForNothing).join(' && ') : undefined),
  left: 'pods that ask, or whose namespace asks, for a token of inject-token: what is injected goes by the configuration of the webhook',
  patches({ checkOptions, apiAudiences }) {
    const own = member(checkOptions, 'audiences');
    const limits = isObject(own) ? own : {};
    const isYear = `(${SECONDS} == ${EXTENDED_EXPIRATION_SECONDS} && ${isForApiCel(apiAudiences)})`;
    const isSidecars = [...SIDECAR_TOKENS]
      .map(
        ([volume, audience]) => `(v.name == ${quoteCel(volume)} && ${AUDIENCE}.matches(${quoteCel(audience.source)}))`,
      )
      .join(' || ');
    const limit = limitsCel('"restricted"', limits);
    const condition = `has(s.serviceAccountToken) && ${SECONDS} > ${limit} && !${isYear} && !(${isSidecars})`;
    return patchSources(
      `!(${isDefaultCel(PLACE)})`,
      condition,
      `[${limit}].map(n, n == ${EXTENDED_EXPIRATION_SECONDS} ? ${DEFAULT_EXPIRATION_SECONDS} : n)[0]`,
    );
  },
};

/** One for each source `s` of a volume `v` that fulfils the conditions. */
function patchSources(ofVolume: string, ofSource: string, value: string): string {
  const patch = `JSONPatch{op: "replace", path: ${SOURCE_PATH}, value: ${value}}`;
  return `${volumesCel(SPEC)}.filter(v, has(v.projected) && ${ofVolume}).map(v, ${SOURCES}.filter(s, ${ofSource}).map(s, ${patch})).flatten()`;
}

const capTokenRequest: CelMutation = {
  patches({ options, apiAudiences }) {
    const limit = numberAt(options, 'maxExpirationSeconds', 86_400);
    const seconds = 'object.spec.expirationSeconds';
    const isYear = `(${seconds} == ${EXTENDED_EXPIRATION_SECONDS} && ${isBoundToPodCel('object', apiAudiences)})`;
    const wanted = `(${isYear} ? ${Math.min(DEFAULT_EXPIRATION_SECONDS, limit)} : ${limit})`;
    return `has(${seconds}) && (${isYear} || ${seconds} > ${limit}) ? [JSONPatch{op: "replace", path: "/spec/expirationSeconds", value: ${wanted}}] : []`;
  },
};

export const CEL_MUTATIONS: ReadonlyMap<string, CelMutation | NoCelMutation> = new Map<
  string,
  CelMutation | NoCelMutation
>([
  ['default-service-account-opt-out', defaultServiceAccountOptOut],
  [
    'automount-opt-out',
    {
      without: 'asks whether the live service account documents the need of the API, and a policy sees no other object',
    },
  ],
  ['short-lived-api-token', shortLivedApiToken],
  ['cap-token-lifetime', capTokenLifetime],
  ['inject-token', { without: 'reads annotations of the live service account, in YAML, and CEL reads neither' }],
  ['cap-token-request', capTokenRequest],
]);
