/** All policies of a set of manifests, whatever file they are in. */

import type { JsonObject } from '../objects/json.ts';
import { asString, member } from '../objects/json.ts';
import { readMutatingPolicy, readValidatingPolicy } from './cel-policies.ts';
import type { Templates } from './gatekeeper.ts';
import { kindOfTemplate, readConstraint } from './gatekeeper.ts';
import type { ImportedPolicy } from './imported-rule.ts';
import { NO_POLICY, nameOfPolicy } from './imported-rule.ts';
import { readKyvernoException, readKyvernoPolicy } from './kyverno.ts';
import { leave } from './reading.ts';

export const ENGINES = ['kyverno', 'gatekeeper'] as const;
export type Engine = (typeof ENGINES)[number];

/** More are no policies of one cluster. */
export const MOST_POLICIES = 2_000;

/** What is read of one object of a manifest; undefined for one that is no policy of the engine. */
export function readPolicy(object: JsonObject, engine: Engine, beside: Beside): ImportedPolicy | undefined {
  const [group = ''] = (asString(member(object, 'apiVersion')) ?? '').split('/');
  const kind = asString(member(object, 'kind')) ?? '';
  if (engine === 'gatekeeper') {
    if (group === 'constraints.gatekeeper.sh') return readConstraint(object, beside.templates);
    if (group === 'templates.gatekeeper.sh') {
      const isUsed = beside.constraints.has(kindOfTemplate(object) ?? '');
      return isUsed
        ? NO_POLICY
        : leaveWhole(object, 'no constraint of it is given, and a template alone refuses nothing');
    }
    return group.endsWith('gatekeeper.sh') ? leaveWhole(object) : undefined;
  }
  if (group === 'kyverno.io') {
    if (kind === 'ClusterPolicy' || kind === 'Policy') return readKyvernoPolicy(object);
    return kind === 'PolicyException' ? readKyvernoException(object) : leaveWhole(object);
  }
  if (group !== 'policies.kyverno.io') return undefined;
  if (/^(Namespaced)?ValidatingPolicy$/.test(kind)) return readValidatingPolicy(object);
  return /^(Namespaced)?MutatingPolicy$/.test(kind) ? readMutatingPolicy(object) : leaveWhole(object);
}

/** What constraints and templates have to know of one another. */
export type Beside = { readonly templates: Templates; readonly constraints: ReadonlySet<string> };

export function findBeside(objects: readonly JsonObject[]): Beside {
  const templates = new Map<string, JsonObject>();
  const constraints = new Set<string>();
  for (const object of objects) {
    const kind = asString(member(object, 'kind')) ?? '';
    const ofTemplate = kindOfTemplate(object);
    if (kind === 'ConstraintTemplate' && ofTemplate !== undefined) templates.set(ofTemplate, object);
    if (asString(member(object, 'apiVersion'))?.startsWith('constraints.gatekeeper.sh/') === true)
      constraints.add(kind);
  }
  return { templates, constraints };
}

/** An object of the engine that no check can stand for. */
function leaveWhole(object: JsonObject, why?: string): ImportedPolicy {
  const kind = asString(member(object, 'kind')) ?? '';
  const rule = {
    policy: nameOfPolicy(object),
    rule: undefined,
    at: ['kind'],
    mode: 'audit' as const,
    judgesTemplates: false,
    scope: { kinds: [], names: undefined, namespaces: undefined, narrowed: [], exempt: [], unexempt: [] },
    reading: leave(['kind'], why ?? `Curfew has nothing that does what a ${kind} does`),
    untold: [],
  };
  return { ...NO_POLICY, rules: [rule] };
}
