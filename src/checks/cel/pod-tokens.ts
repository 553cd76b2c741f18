/** The service account tokens of a pod spec, in CEL: what `objects/tokens.ts` is in TypeScript. */

import { CONTAINER_LISTS } from '../../objects/containers.ts';
import { API_TOKEN_MOUNT_PATH, API_TOKEN_VOLUME_PREFIX, DEFAULT_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import { findingCel, listCel, quoteCel } from './cel-text.ts';
import type { CelBound, CelPlace } from './define-cel.ts';

/** What one source is asked in CEL; `v` is its volume and `s` the source. */
const TOKEN = 's.serviceAccountToken';
export const AUDIENCE = `${TOKEN}.?audience.orValue("")`;
export const SECONDS = `${TOKEN}.?expirationSeconds.orValue(${DEFAULT_EXPIRATION_SECONDS})`;

export function volumesCel(spec: string): string {
  return `${spec}.?volumes.orValue([])`;
}

/** Of the volume `v`; null where there is none. */
export const SOURCES =
  '(has(v.projected) && has(v.projected.sources) && dyn(v.projected.sources) != null ? v.projected.sources : [])';

/** True if the source `s` is a token that the API server accepts. */
export function isForApiCel(apiAudiences: readonly string[]): string {
  return `${AUDIENCE} in ${listCel(['', ...apiAudiences])}`;
}

export const isDefaultCel = (place: Pick<CelPlace, 'defaultVolumes'>): string =>
  `v.?name.orValue("") in ${place.defaultVolumes}`;

/** The names of the volumes that the ServiceAccount plugin writes, by their content: `hasDefaultContent`. */
export function defaultVolumesCel(spec: string): string {
  const configMap = (name: string) => `${SOURCES}.exists(s, s.?configMap.?name.orValue("") == ${quoteCel(name)})`;
  const isElsewhere = CONTAINER_LISTS.map(
    (list) =>
      `${spec}.?${list}.orValue([]).exists(c, c.?volumeMounts.orValue([]).exists(m, m.?name.orValue("") == v.name && m.?mountPath.orValue("") != ${quoteCel(API_TOKEN_MOUNT_PATH)}))`,
  ).join(' || ');
  const conditions = [
    `v.?name.orValue("").startsWith(${quoteCel(API_TOKEN_VOLUME_PREFIX)})`,
    `size(${SOURCES}) in [3, 4]`,
    `${SOURCES}.filter(s, has(${TOKEN})).size() == 1`,
    `${SOURCES}.exists(s, has(${TOKEN}) && ${TOKEN}.?path.orValue("") == "token" && ${AUDIENCE} == "")`,
    configMap('kube-root-ca.crt'),
    `${SOURCES}.exists(s, size(s.?downwardAPI.?items.orValue([])) > 0 && s.downwardAPI.items[0].?fieldRef.?fieldPath.orValue("") == "metadata.namespace")`,
    `(size(${SOURCES}) == 3 || ${configMap('openshift-service-ca.crt')})`,
    `!(${isElsewhere})`,
  ];
  return `${volumesCel(spec)}.filter(v, ${conditions.join(' && ')}).map(v, v.name)`;
}

/** A finding for each source that fulfils `condition`, which may speak of `v` and `s`, by volume. */
export function tokenFindingsCel(
  place: CelPlace,
  { condition, why, pathEnd = '""', fix }: { condition: string; why: string; pathEnd?: string; fix?: string },
): string {
  const path = [
    place.specPath,
    `"/volumes/"`,
    `string(${place.volumeNames}.indexOf(v.?name.orValue("")))`,
    `"/projected/sources/"`,
    `string(v.projected.sources.indexOf(s))`,
    `"/serviceAccountToken"`,
    pathEnd,
  ].join(' + ');
  const key = `${place.account} + "/" + v.?name.orValue("") + "/" + ${TOKEN}.?path.orValue("")`;
  const finding = findingCel({ key, path, why, ...(fix === undefined ? {} : { fix }) });
  return `${volumesCel(place.spec)}.filter(v, has(v.projected)).map(v, ${SOURCES}.filter(s, has(${TOKEN}) && ${condition}).map(s, ${finding})).filter(g, size(g) > 0)`;
}

const MOST_VOLUMES = 100;
const MOST_SOURCES = 200;
/** Of all tokens together: each is matched with patterns, and compared with the others. */
const MOST_CHARACTERS = 20_000;
const MOST_CONTAINERS = 50;
const MOST_MOUNTS = 1_000;
/** Each is compared with every mount; a pod has one. */
const MOST_DEFAULT_VOLUMES = 4;

/** What a pod may have for all of it to be looked at; nobody's has as much. */
export function podBounds({ spec }: Pick<CelPlace, 'spec'>): readonly CelBound[] {
  const sum = (numbers: string) => `${numbers}.sum()`;
  return [
    { count: `size(${volumesCel(spec)})`, most: MOST_VOLUMES, noun: 'volumes' },
    ...CONTAINER_LISTS.map((list) => ({
      count: `size(${spec}.?${list}.orValue([]))`,
      most: MOST_CONTAINERS,
      noun: list,
    })),
    { count: sum(`${volumesCel(spec)}.map(v, size(${SOURCES}))`), most: MOST_SOURCES, noun: 'projected sources' },
    {
      count: sum(
        `${volumesCel(spec)}.map(v, ${SOURCES}.filter(s, has(${TOKEN})).map(s, size(${AUDIENCE}) + size(${TOKEN}.?path.orValue(""))).sum())`,
      ),
      most: MOST_CHARACTERS,
      noun: 'characters of audiences and paths of tokens',
    },
    {
      count: `${volumesCel(spec)}.filter(v, v.?name.orValue("").startsWith(${quoteCel(API_TOKEN_VOLUME_PREFIX)})).size()`,
      most: MOST_DEFAULT_VOLUMES,
      noun: `volumes ${API_TOKEN_VOLUME_PREFIX}*`,
    },
    ...CONTAINER_LISTS.map((list) => ({
      count: sum(`${spec}.?${list}.orValue([]).map(c, size(c.?volumeMounts.orValue([])))`),
      most: MOST_MOUNTS,
      noun: 'mounts',
    })),
  ];
}
