/** From a parsed configuration file to the settings everything runs on. All defaults are here. */

import { Ajv, type ValidateFunction } from 'ajv';
import { CHECKS } from '../checks/registry.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { ApiAccessSource } from '../objects/api-access.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member } from '../objects/json.ts';
import type { Level } from '../objects/level.ts';
import { quote } from '../objects/text.ts';
import type { TlsSource } from './certificate-schema.ts';
import type { ConfigurationProblem } from './configuration-problems.ts';
import { describeProblem } from './configuration-problems.ts';
import type { CheckMode, ConfigurationFile } from './configuration-schema.ts';
import { API_VERSION, CHECK_MODES, ConfigurationSchema, KIND } from './configuration-schema.ts';
import type { Exemption } from './exemption.ts';
import { endOfDay, isNarrow } from './exemption.ts';
import { EXEMPTION_PRESETS, toExemption } from './exemption-presets.ts';
import type { Migration } from './migrations.ts';
import { migrateFile } from './migrations.ts';
import type { NamespaceSet } from './platform-namespaces.ts';
import { PLATFORM_NAMESPACES } from './platform-namespaces.ts';

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
  readonly dryRunInjection: boolean;
  readonly levels: Levels;
  readonly namespaces: ReadonlyMap<string, Partial<Levels>>;
  readonly mutateMode: 'report' | 'apply';
  readonly enforceTemplates: boolean;
  /** Levels of objects that are in no namespace; nothing mutates these. */
  readonly clusterScoped: Omit<Levels, 'mutate'>;
  /** Whether token Secrets are listed and watched; what is read at the start stays until the process ends. */
  readonly secretIndex: boolean;
  /** Whether webhook configurations are listed and watched; what is read at the start stays until the process ends. */
  readonly foreignWebhooks: { readonly watch: boolean };
  readonly apiAccess: {
    readonly acceptFrom: readonly ApiAccessSource[];
    /** Whether documenting access takes a right of its own. */
    readonly approval: boolean;
  };
  /** Whether pods are listed when a level is raised. */
  readonly namespaceWarnings: { readonly enabled: boolean };
  /** Whether the owner of a refused pod is told by an Event. */
  readonly events: { readonly enabled: boolean };
  /** Those of the sets included. */
  readonly excludedNamespaces: ReadonlySet<string>;
  readonly excludedNamespacesOfFile: readonly string[];
  readonly excludedNamespaceSets: readonly NamespaceSet[];
  /** Undefined where the file says nothing: Curfew's own token is asked. */
  readonly cluster: {
    readonly apiAudiences: readonly string[] | undefined;
    readonly issuers: readonly string[] | undefined;
  };
  readonly checks: ReadonlyMap<string, RuleSettings<CheckMode>>;
  readonly mutations: ReadonlyMap<string, RuleSettings<MutateMode>>;
  /** The first that matches is used: those of the file in its order, then those of the presets. */
  readonly exemptions: readonly Exemption[];
  readonly server: {
    readonly bodyLimitBytes: number;
    readonly deadlineMs: number;
    readonly maxInFlight: number;
    readonly maxBodyBytesInFlight: number;
    readonly drainSeconds: number;
  };
  /** Undefined where everybody who reaches the port may call. */
  readonly callerAuthentication:
    | { readonly caFile: string; readonly names: readonly string[]; readonly enforce: boolean }
    | undefined;
  readonly tls:
    | {
        readonly certFile: string;
        readonly keyFile: string;
        readonly caFile?: string;
        readonly source: TlsSource;
      }
    | undefined;
};

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

let compiled: ValidateFunction<ConfigurationFile> | undefined;

/**
 * Takes a tenth of a second, in which a server answers nobody, so it is kept: 1.5 MB. What the library would make faster of it takes a
 * third of the time, for files that are read once.
 */
function compileSchema(): ValidateFunction<ConfigurationFile> {
  compiled ??= new Ajv({
    allErrors: true,
    strict: true,
    verbose: true,
    code: { optimize: false },
  }).compile<ConfigurationFile>(ConfigurationSchema);
  return compiled;
}

/** Brings a parsed file to the version that is read, checks it, and fills in the defaults. Never throws on any input. */
export function readConfiguration(given: unknown, migrations?: readonly Migration[]): ConfigurationResult {
  const { file } = migrateFile(given, migrations);
  if (!isObject(file)) {
    return { ok: false, problems: [{ path: '/', problem: 'must be an object, with apiVersion and kind' }] };
  }
  const validate = compileSchema();
  if (!validate(file)) {
    return { ok: false, problems: (validate.errors ?? []).map(describeProblem) };
  }
  const configuration = withDefaults(file);
  const problems = [...listContradictions(configuration), ...listExemptionProblems(file)];
  return problems.length === 0 ? { ok: true, configuration } : { ok: false, problems };
}

/** Keys of service accounts and namespaces that this configuration makes mutations read beyond SCHEME_KEYS. */
export function listSchemeKeys({ mutations }: Configuration): ReadonlySet<string> {
  const keys = MUTATIONS.flatMap((mutation) => mutation.listSchemeKeys?.(mutations.get(mutation.id)?.options) ?? []);
  return new Set(keys);
}

/** What a schema cannot say: values that are allowed, but not together. */
function listContradictions({ server, apiAccess, mutations }: Configuration): readonly ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = MUTATIONS.flatMap(({ id, listOptionProblems }) =>
    (listOptionProblems?.(mutations.get(id)?.options) ?? []).map(({ path, problem }) => ({
      path: `/mutations/${id}${path}`,
      problem,
    })),
  );
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

function listExemptionProblems(file: ConfigurationFile): readonly ConfigurationProblem[] {
  const names = new Set<string>(file.exemptions?.presets);
  return (file.exemptions?.rules ?? []).flatMap((rule, index) => {
    const { name, match, expires, permanent = false } = rule;
    const path = `/exemptions/rules/${index}`;
    const problems: ConfigurationProblem[] = [];
    if (names.has(name)) problems.push({ path: `${path}/name`, problem: `${quote(name)} is already used` });
    names.add(name);
    if (!isNarrow(match)) {
      const problem =
        'would be for every object; set one of namespaces, names, serviceAccounts, users, groups, and not to * or to everybody';
      problems.push({ path: `${path}/match`, problem });
    }
    if (expires === undefined && !permanent) {
      problems.push({
        path,
        problem: 'lacks the key "expires", the last day of the exemption; or set permanent: true',
      });
    }
    if (expires !== undefined && permanent) {
      problems.push({ path: `${path}/expires`, problem: 'contradicts permanent: true; leave out one of the two' });
    }
    if (expires !== undefined && endOfDay(expires) === undefined) {
      problems.push({ path: `${path}/expires`, problem: `${quote(expires)} is not a day of the calendar` });
    }
    return problems;
  });
}

function withDefaults(file: ConfigurationFile): Configuration {
  const mutateMode = file.mutateMode ?? 'report';
  const { clusterScoped, ...levels } = file.levels ?? {};
  return {
    catalogue: file.catalogue,
    dryRun: file.dryRun ?? false,
    dryRunInjection: file.dryRunInjection ?? false,
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
    foreignWebhooks: { watch: file.foreignWebhooks?.watch ?? true },
    namespaceWarnings: { enabled: file.namespaceWarnings?.enabled ?? true },
    events: { enabled: file.events?.enabled ?? false },
    excludedNamespaces: new Set([
      ...(file.excludedNamespaces ?? []),
      ...(file.excludedNamespaceSets ?? []).flatMap((set) => PLATFORM_NAMESPACES[set]),
    ]),
    excludedNamespacesOfFile: file.excludedNamespaces ?? [],
    excludedNamespaceSets: file.excludedNamespaceSets ?? [],
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
    exemptions: [
      ...(file.exemptions?.rules ?? []).map(readExemption),
      ...EXEMPTION_PRESETS.filter(({ name }) => file.exemptions?.presets?.includes(name) ?? false).map(toExemption),
    ],
    server: { ...DEFAULT_SERVER, ...file.server },
    callerAuthentication:
      file.callerAuthentication === undefined ? undefined : { enforce: true, ...file.callerAuthentication },
    tls: file.tls === undefined ? undefined : { source: 'files', ...file.tls },
  };
}

type ExemptionRule = NonNullable<NonNullable<ConfigurationFile['exemptions']>['rules']>[number];

function readExemption({ checks, ticket, expires, permanent: _permanent, ...rule }: ExemptionRule): Exemption {
  return {
    ...rule,
    checks: checks === undefined ? undefined : new Set(checks),
    ticket,
    lastDay: expires,
    end: expires === undefined ? Infinity : (endOfDay(expires) ?? 0),
  };
}

function splitSettings(settings: unknown): { readonly mode: string | undefined; readonly options: JsonObject } {
  if (!isObject(settings)) return { mode: undefined, options: {} };
  const { mode, ...options } = settings;
  return { mode: asString(mode), options };
}
