/** Everything that the API server can judge and change by itself with a configuration, and what it cannot. */

import { CEL_FORMS } from '../checks/cel/registry.ts';
import { CHECKS } from '../checks/registry.ts';
import { CEL_MUTATIONS } from '../mutations/cel/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { formatEnd, stateOf } from '../policy/exemption.ts';
import { FIRST_MINOR, renderMutations } from './mutating.ts';
import type { Left, NativeOptions } from './native-options.ts';
import { isLostOnKubelets, renderNodeTokens } from './node-tokens.ts';
import { renderCheck } from './validating.ts';

export type RenderedPolicies = {
  /** Each policy before its binding. */
  readonly objects: readonly JsonObject[];
  /** What these policies do not do that the webhook would with the same configuration. */
  readonly left: readonly Left[];
};

export function renderPolicies(options: NativeOptions): RenderedPolicies {
  const checks = CHECKS.flatMap((check) => {
    const forms = CEL_FORMS.get(check.id);
    return forms === undefined || 'without' in forms ? [] : renderCheck(check, forms, options);
  });
  const objects = [...checks, ...renderMutations(options), ...renderNodeTokens(options)];
  return { objects, left: [...listLeft(), ...listLeftOf(options)] };
}

/** What no policy does, whatever the rule. */
export function listGeneral(): readonly Left[] {
  return GENERAL;
}

/** With whatever configuration. */
function listLeft(): readonly Left[] {
  const ofChecks = [...CEL_FORMS].flatMap(([id, forms]) => {
    if ('without' in forms) return [{ id, why: `it ${forms.without}` }];
    return forms.flatMap(({ left }) => (left === undefined ? [] : [{ id, why: `not ${left}` }]));
  });
  const ofMutations = [...CEL_MUTATIONS].flatMap(([id, form]) => {
    if ('without' in form) return [{ id, why: `it ${form.without}` }];
    return form.left === undefined ? [] : [{ id, why: `not ${form.left}` }];
  });
  return [...ofChecks, ...ofMutations, ...GENERAL];
}

const GENERAL: readonly Left[] = [
  {
    id: '',
    why: 'LeaderWorkerSets and JobSets, which have several pods each: their pods are judged when they are made',
  },
  { id: '', why: 'who may change the levels of a namespace, and document access: the guards of the webhook' },
  {
    id: '',
    why: 'metrics, events on owners, warnings before an exemption ends, and what would be patched (mutateMode: report)',
  },
];

function listLeftOf({ configuration, minor, now, engine, nodeTokens }: NativeOptions): readonly Left[] {
  const left: Left[] = [];
  if (engine === 'both') {
    left.push({
      id: '',
      why: 'warnings, audit annotations and mutations: these policies stand behind it and only deny',
    });
    if (configuration.dryRun) left.push({ id: '', why: 'everything: with dryRun nothing is denied' });
  } else if (minor < FIRST_MINOR) {
    left.push({ id: '', why: `mutations: MutatingAdmissionPolicies are part of Kubernetes from 1.${FIRST_MINOR} on` });
  } else if (configuration.dryRun) {
    left.push({
      id: '',
      why: 'mutations: with dryRun nothing is changed, and a policy cannot report what it would change',
    });
  }
  for (const exemption of configuration.exemptions) {
    if (stateOf(exemption, now) === 'ended') continue;
    if (nodeTokens !== 'off' && isLostOnKubelets(exemption)) {
      left.push({
        id: '',
        why: `exemption ${exemption.name} in what kubelets ask for, since it goes by who made the pod: such pods do not start`,
      });
    }
    if (exemption.lastDay === undefined) continue;
    left.push({
      id: '',
      why: `exemption ${exemption.name} ends natively only for what is made; for updates, token requests and the account default of a new namespace render again after its end (${formatEnd(exemption)})`,
    });
  }
  return left;
}
