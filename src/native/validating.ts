/** ValidatingAdmissionPolicies of the checks: one a check, what it looks at, and mode, with its binding. */

import { REQUEST_NAMESPACE } from '../checks/cel/cel-text.ts';
import type { CelForm, CelPlace } from '../checks/cel/define-cel.ts';
import type { Check } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import type { JsonObject } from '../objects/json.ts';
import { isNewerThan } from '../policy/catalogue.ts';
import type { CheckMode } from '../policy/configuration-schema.ts';
import { AUDIT_KEYS } from '../policy/labels.ts';
import { SYSTEM_NAMESPACE } from '../policy/scope.ts';
import { exemptionCel } from './exemptions.ts';
import { dropKnownCel, largeCel, largeFindingCel, recordCel, summaryCel, unionCel } from './findings.ts';
import type { MatchCondition } from './guards.ts';
import { listMatchConditions, namespaceSelector, OF_A_NODE, quietCel, SYSTEM_SELECTOR } from './guards.ts';
import { levelCel } from './levels.ts';
import type { NativeOptions } from './native-options.ts';
import type { Target, Variable } from './targets.ts';
import { listPlaceVariables, listTargets, toPlace, toResourceRules } from './targets.ts';

export const API_VERSION = 'admissionregistration.k8s.io/v1';

type Mode = 'enforce' | 'warn' | 'audit';

/** Whose objects are in kube-system alone, and refused there. */
const BOOTSTRAP_CHECK = 'bootstrap-token-expiration';

/** Fail closed as the webhook's entries for the same objects do; an expression fails only by a mistake of ours. */
const FAIL_CLOSED: ReadonlySet<string> = new Set(['pods', 'pods/ephemeralcontainers']);
const FAIL_CLOSED_CHECK = 'long-lived-token-secret';

export function renderCheck(check: Check, forms: readonly CelForm[], options: NativeOptions): readonly JsonObject[] {
  const ceiling = ceilingOf(check, options);
  if (ceiling === 'off') return [];
  const isBehindWebhook = options.engine === 'both';
  // With dryRun there is nothing to deny, and all the rest is the webhook's.
  if (isBehindWebhook && options.configuration.dryRun) return [];
  return forms.flatMap((form) =>
    listTargets(check, form).flatMap((target) => {
      const mayDeny = ceiling === 'enforce' && (!target.isTemplates || options.configuration.enforceTemplates);
      const modes: readonly Mode[] = [
        ...(mayDeny ? ['enforce' as const] : []),
        ...(ceiling === 'audit' || isBehindWebhook ? [] : ['warn' as const]),
        ...(isBehindWebhook ? [] : ['audit' as const]),
      ];
      return modes.flatMap((mode) =>
        renderPolicy({ check, target, mode, mayDeny, mayWarn: ceiling !== 'audit', options }),
      );
    }),
  );
}

/** What the configuration lets the check do; one that is newer than the catalogue it is pinned to denies nothing. */
export function ceilingOf(check: Check, { configuration }: NativeOptions): CheckMode {
  const { mode } = settingOf(check, configuration);
  return mode === 'enforce' && isNewerThan(check.since, configuration.catalogue) ? 'warn' : mode;
}

function settingOf({ id, defaults }: Check, { checks }: NativeOptions['configuration']) {
  return checks.get(id) ?? { mode: 'enforce' as const, options: defaults };
}

type Rendering = {
  readonly check: Check;
  readonly target: Target;
  readonly mode: Mode;
  readonly mayDeny: boolean;
  readonly mayWarn: boolean;
  readonly options: NativeOptions;
};

export function renderPolicy(rendering: Rendering): readonly JsonObject[] {
  const { check, target, mode, options } = rendering;
  const variables = listVariables(rendering);
  if (variables === undefined) return [];
  const { dryRun } = options.configuration;
  const name = `${target.name}.${mode}.curfew.dev`;
  const isDryRun = mode === 'enforce' && dryRun;
  const auditKey = {
    enforce: dryRun ? AUDIT_KEYS.wouldDeny : AUDIT_KEYS.deny,
    warn: AUDIT_KEYS.warn,
    audit: AUDIT_KEYS.audit,
  }[mode];
  const start = `curfew ${check.id}${isDryRun ? ' (would deny)' : ''}`;
  const shortFix = check.shortFix(NO_SUBJECT);
  // The audit log has what was warned about also where a denial says it.
  const noted = variables.some(({ name }) => name === 'noted') ? 'variables.noted' : 'variables.told';
  const summary = summaryCel('variables.told', target.form, { start, shortFix });
  const isSystemOnly = check.id === BOOTSTRAP_CHECK;
  const withSystem = mode !== 'enforce';
  const policy = {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name, labels: LABELS },
    spec: {
      failurePolicy: mode === 'enforce' && isFailClosed(rendering) ? 'Fail' : 'Ignore',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        namespaceSelector: isSystemOnly ? SYSTEM_SELECTOR : namespaceSelector(options, { withSystem }),
        resourceRules: toResourceRules(target.reads),
      },
      matchConditions: listConditions(rendering),
      variables: [...variables, { name: 'recorded', expression: recordCel(check.id, noted, target.form) }],
      ...(mode === 'audit'
        ? {}
        : {
            validations: [
              {
                expression: 'size(variables.told) == 0',
                message: `${start}: see curfew explain ${check.id}`,
                messageExpression: summary,
                reason: 'Forbidden',
              },
            ],
          }),
      auditAnnotations: [
        { key: auditKey, valueExpression: 'variables.recorded' },
        ...(variables.some(({ name }) => name === 'spared')
          ? [{ key: AUDIT_KEYS.exempt, valueExpression: 'size(variables.spared) == 0 ? "" : variables.exemption' }]
          : []),
      ],
    },
  };
  const action = mode === 'audit' ? 'Audit' : mode === 'warn' || isDryRun ? 'Warn' : 'Deny';
  return [policy, bindingOf(name, action)];
}

export const LABELS = { 'app.kubernetes.io/name': 'curfew', 'app.kubernetes.io/component': 'native-policies' };

function bindingOf(name: string, action: 'Deny' | 'Warn' | 'Audit'): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name, labels: LABELS },
    spec: { policyName: name, validationActions: [action] },
  };
}

/** Short fixes are the same whatever the object is called. */
const NO_SUBJECT = {
  operation: 'CREATE',
  resource: { group: '', name: '', subresource: '' },
  kind: '',
  namespace: '',
  name: '',
  object: {},
} as const;

function isFailClosed({ check, target }: Rendering): boolean {
  return (
    check.id === FAIL_CLOSED_CHECK ||
    target.reads.some(({ resource, subresource }) =>
      FAIL_CLOSED.has(subresource === undefined ? resource : `${resource}/${subresource}`),
    )
  );
}

function listConditions({ check, target, mode }: Rendering): readonly MatchCondition[] {
  if (target.isForNodes === true) return OF_A_NODE;
  const quiet = quietCel(target.reads);
  const conditions = listMatchConditions(target.reads);
  const named = check.id === FAIL_CLOSED_CHECK ? [...conditions, TOKEN_SECRET] : conditions;
  if (quiet === undefined || mode === 'audit') return named;
  return [...named, { name: 'not-by-its-controller', expression: `!(${quiet})` }];
}

/** The webhook's entry has the same: all other Secrets are written whatever happens. */
const TOKEN_SECRET: MatchCondition = {
  name: 'token-secret',
  expression: 'object.type == "kubernetes.io/service-account-token"',
};

/** Ends in `told`, what this mode says; undefined if the form finds nothing with this configuration. */
function listVariables(rendering: Rendering): readonly Variable[] | undefined {
  const { check, target, mode, mayDeny, options } = rendering;
  const { form, hasUpdates } = target;
  const settings = {
    options: settingOf(check, options.configuration).options,
    apiAudiences: options.cluster.apiAudiences,
    acceptApiAccessFrom: options.configuration.apiAccess.acceptFrom,
  };
  const place = (level: string, isOld: boolean) => toPlace(target, level, isOld);
  const someFindings = form.findings(place('"restricted"', false), settings);
  if (someFindings === undefined) return undefined;

  const variables: Variable[] = [];
  const add = (name: string, expression: string): string => {
    variables.push({ name, expression });
    return `variables.${name}`;
  };
  const addPlace = (isOld: boolean) => {
    variables.push(...listPlaceVariables(target, isOld));
    for (const [name, expression] of form.variables?.(place('', isOld), settings) ?? []) {
      add(place('', isOld).own(name).slice('variables.'.length), expression);
    }
  };
  addPlace(false);
  if (hasUpdates) addPlace(true);
  const { bounds } = form;
  const large = bounds === undefined ? undefined : add('large', largeCel({ bounds }, place('', false)));
  const start = startLevel(check);
  const isOn = (level: string) => (start === 'baseline' ? `${level} != "off"` : `${level} == "restricted"`);
  const find = (level: string) => {
    const findings = form.findings(place(level, false), settings) ?? '[]';
    const tooLarge =
      large === undefined
        ? ''
        : `${large} != "" ? ${largeFindingCel(form, { large, path: largePath(place('', false)) })} : `;
    return `${isOn(level)} ? (${tooLarge}${findings}) : []`;
  };

  /** What is found at the level of enforce and was not there before. */
  const addEnforced = (): string => {
    const level = add('enforceLevel', levelCel('enforce', options));
    const found = add('enforced', find(level));
    if (!hasUpdates) return found;
    const old = form.findings(place(level, true), settings) ?? '[]';
    const known = add('known', `request.operation == "UPDATE" && ${isOn(level)} ? (${old}) : []`);
    return add('added', `size(${found}) == 0 || size(${known}) == 0 ? ${found} : ${dropKnownCel(found, known, form)}`);
  };
  const addWarned = () => add('warned', find(add('warnLevel', levelCel('warn', options))));
  const addAudited = () => add('audited', find(add('auditLevel', levelCel('audit', options))));

  const exempt = exemptionCel(options.configuration.exemptions, {
    check: check.id,
    reads: target.reads,
    account:
      form.isForPods === true || target.reads.some(({ resource }) => resource === 'pods')
        ? 'variables.account'
        : undefined,
    ...(target.isForNodes === true ? { name: BOUND_NAME } : {}),
    now: options.now,
  });
  const exemption = exempt === undefined ? undefined : add('exemption', exempt);
  const spare = (told: string) => (exemption === undefined ? told : `${exemption} != "" ? [] : ${told}`);

  if (mode === 'enforce') add('told', spare(addEnforced()));
  else if (mode === 'warn') {
    const [enforced, warned] = [addEnforced(), addWarned()];
    const both = add('both', unionCel(enforced, warned));
    if (!mayDeny) add('told', spare(both));
    else {
      const held = check.id === BOOTSTRAP_CHECK ? 'false' : `${REQUEST_NAMESPACE} == "${SYSTEM_NAMESPACE}"`;
      const noted = add('noted', spare(held === 'false' ? warned : `(${held} ? ${both} : ${warned})`));
      // Where a denial says it, the warning would say it again.
      add('told', `size(${enforced}) > 0 && !(${held}) ? [] : ${noted}`);
    }
  } else {
    const [enforced, warned, audited] = [addEnforced(), addWarned(), addAudited()];
    const quiet = rendering.mayWarn ? quietCel(target.reads) : 'true';
    const both = add('both', unionCel(enforced, warned));
    const all = add('all', unionCel(both, audited));
    const told = quiet === undefined ? audited : `(${quiet} ? ${all} : ${audited})`;
    if (exemption !== undefined) add('spared', `${exemption} == "" ? [] : ${all}`);
    add('told', spare(told));
  }
  return variables;
}

/** The name of the pod that a kubelet asks for. */
const BOUND_NAME = 'object.spec.?boundObjectRef.?name.orValue("")';

function largePath(place: CelPlace): string {
  return place.specPath === '' ? '"/"' : place.specPath;
}
