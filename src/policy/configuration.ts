/** From a parsed configuration file to the settings everything runs on. All defaults are here. */

import { Ajv, type ErrorObject } from 'ajv';
import { CHECKS } from '../checks/registry.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { ApiAccessSource } from '../objects/api-access.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member } from '../objects/json.ts';
import type { Level } from '../objects/level.ts';
import { quote } from '../objects/text.ts';
import type { CheckMode, ConfigurationFile } from './configuration-schema.ts';
import { API_VERSION, CHECK_MODES, ConfigurationSchema, KIND } from './configuration-schema.ts';

export type Levels = {
  readonly enforce: Level;
  readonly warn: Level;
  readonly audit: Level;
  readonly mutate: Level;
};

export type MutateMode = 'off' | 'report' | 'apply';

export type RuleSettings<Mode> = { readonly mode: Mode; readonly options: JsonObject };

export type Configuration = {
  readonly catalogue: string | undefined;
  readonly dryRun: boolean;
  readonly levels: Levels;
  readonly namespaces: ReadonlyMap<string, Partial<Levels>>;
  readonly mutateMode: 'report' | 'apply';
  readonly enforceTemplates: boolean;
  /** Levels of objects that are in no namespace; nothing mutates these. */
  readonly clusterScoped: Omit<Levels, 'mutate'>;
  /** Whether token Secrets are listed and watched; what is read at the start stays until the process ends. */
  readonly secretIndex: boolean;
  readonly apiAccess: {
    readonly acceptFrom: readonly ApiAccessSource[];
    /** Whether documenting access takes a right of its own. */
    readonly approval: boolean;
  };
  /** Whether pods are listed when a level is raised. */
  readonly namespaceWarnings: { readonly enabled: boolean };
  readonly excludedNamespaces: ReadonlySet<string>;
  /** Undefined where the file says nothing: Curfew's own token is asked. */
  readonly cluster: {
    readonly apiAudiences: readonly string[] | undefined;
    readonly issuers: readonly string[] | undefined;
  };
  readonly checks: ReadonlyMap<string, RuleSettings<CheckMode>>;
  readonly mutations: ReadonlyMap<string, RuleSettings<MutateMode>>;
  readonly server: {
    readonly bodyLimitBytes: number;
    readonly deadlineMs: number;
    readonly maxInFlight: number;
    readonly maxBodyBytesInFlight: number;
    readonly drainSeconds: number;
  };
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile?: string } | undefined;
};

/** One mistake in a configuration: where, and a sentence with what was seen and what is allowed. */
export type ConfigurationProblem = { readonly path: string; readonly problem: string };

export type ConfigurationResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly ConfigurationProblem[] };

const DEFAULT_LEVELS: Levels = { enforce: 'baseline', warn: 'restricted', audit: 'restricted', mutate: 'baseline' };

/** A refused ClusterRole can keep an operator from being installed at all, so this is asked for. */
const DEFAULT_CLUSTER_LEVELS = { enforce: 'off', warn: 'restricted', audit: 'restricted' } as const;

const DEFAULT_SERVER: Configuration['server'] = {
  bodyLimitBytes: 8_388_608,
  deadlineMs: 2_500,
  maxInFlight: 1_000,
  maxBodyBytesInFlight: 33_554_432,
  drainSeconds: 5,
};

/** The smallest valid file: every default. */
export const EMPTY_CONFIGURATION_FILE = { apiVersion: API_VERSION, kind: KIND } as const;

/** Checks a parsed file against the schema and fills in the defaults. Never throws on any input. */
export function readConfiguration(file: unknown): ConfigurationResult {
  if (!isObject(file)) {
    return { ok: false, problems: [{ path: '/', problem: 'must be an object, with apiVersion and kind' }] };
  }
  // Compiled here, for a file is read at start and on change alone.
  const validate = new Ajv({ allErrors: true, strict: true, verbose: true }).compile<ConfigurationFile>(
    ConfigurationSchema,
  );
  if (!validate(file)) {
    return { ok: false, problems: (validate.errors ?? []).map(describeProblem) };
  }
  const configuration = withDefaults(file);
  const problems = listContradictions(configuration);
  return problems.length === 0 ? { ok: true, configuration } : { ok: false, problems };
}

/** What a schema cannot say: values that are allowed, but not together. */
function listContradictions({ server, apiAccess }: Configuration): readonly ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  if (server.maxBodyBytesInFlight < server.bodyLimitBytes) {
    const problem = `${server.maxBodyBytesInFlight} must be >= bodyLimitBytes, which is ${server.bodyLimitBytes}`;
    problems.push({ path: '/server/maxBodyBytesInFlight', problem });
  }
  if (apiAccess.approval && apiAccess.acceptFrom.includes('Pod')) {
    const problem =
      'true cannot go with Pod in acceptFrom: controllers make the pods, so nobody could be asked for an approval';
    problems.push({ path: '/apiAccess/approval', problem });
  }
  return problems;
}

function withDefaults(file: ConfigurationFile): Configuration {
  const mutateMode = file.mutateMode ?? 'report';
  const { clusterScoped, ...levels } = file.levels ?? {};
  return {
    catalogue: file.catalogue,
    dryRun: file.dryRun ?? false,
    levels: { ...DEFAULT_LEVELS, ...levels },
    clusterScoped: { ...DEFAULT_CLUSTER_LEVELS, ...clusterScoped },
    apiAccess: {
      acceptFrom: file.apiAccess?.acceptFrom ?? ['ServiceAccount'],
      approval: file.apiAccess?.approval ?? false,
    },
    namespaces: new Map(Object.entries(file.namespaces ?? {})),
    mutateMode,
    enforceTemplates: file.enforceTemplates ?? false,
    secretIndex: file.secretIndex ?? false,
    namespaceWarnings: { enabled: file.namespaceWarnings?.enabled ?? true },
    excludedNamespaces: new Set(file.excludedNamespaces ?? []),
    cluster: { apiAudiences: file.cluster?.apiAudiences, issuers: file.cluster?.issuers },
    checks: new Map(
      CHECKS.map((check) => {
        const { mode, options } = splitSettings(member(file.checks, check.id));
        const ceiling = CHECK_MODES.find((known) => known === mode) ?? 'enforce';
        return [check.id, { mode: ceiling, options: { ...check.defaults, ...options } }];
      }),
    ),
    mutations: new Map(
      MUTATIONS.map((mutation) => {
        const { mode, options } = splitSettings(member(file.mutations, mutation.id));
        const ceiling = (['off', 'report', 'apply'] as const).find((known) => known === mode) ?? 'apply';
        return [mutation.id, { mode: ceiling, options: { ...mutation.defaults, ...options } }];
      }),
    ),
    server: { ...DEFAULT_SERVER, ...file.server },
    tls: file.tls,
  };
}

function splitSettings(settings: unknown): { readonly mode: string | undefined; readonly options: JsonObject } {
  if (!isObject(settings)) return { mode: undefined, options: {} };
  const { mode, ...options } = settings;
  return { mode: asString(mode), options };
}

/** One sentence for an error of the schema validator: what was seen, what is allowed, the closest valid key. */
function describeProblem(error: ErrorObject): ConfigurationProblem {
  const path = error.instancePath === '' ? '/' : error.instancePath;
  const seen = isObject(error.data) || Array.isArray(error.data) ? '' : `${JSON.stringify(error.data)} `;
  const { params } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(isObject(error.parentSchema?.['properties']) ? error.parentSchema['properties'] : {});
      const closest = findClosest(key, known);
      const hint = closest === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${quote(closest)}?`;
      return { path, problem: `has the unknown key ${quote(key)}${hint}` };
    }
    case 'required':
      return { path, problem: `lacks the key ${quote(String(params['missingProperty']))}` };
    case 'enum':
      return { path, problem: `${seen}is not allowed; allowed: ${(params['allowedValues'] as unknown[]).join(', ')}` };
    case 'const':
      return { path, problem: `${seen}is not allowed; allowed: ${String(params['allowedValue'])}` };
    case 'not':
      return { path, problem: `${seen}is not allowed: the API server makes it a token of a year` };
    default:
      return { path, problem: `${seen}${error.message ?? 'is not valid'}` };
  }
}

/** The known key that differs least, if at most a third of it differs. */
export function findClosest(key: string, known: readonly string[]): string | undefined {
  const [closest] = known
    .map((candidate) => ({ candidate, distance: countEdits(key.slice(0, 64), candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, candidate.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return closest?.candidate;
}

/** Levenshtein distance; both texts are short. */
function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
