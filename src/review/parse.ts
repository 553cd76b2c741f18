/** AdmissionReview v1 → Subject. The objects inside stay the raw JSON they were parsed to. */

import { Fault } from '../errors.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import type { Operation, Subject } from '../objects/subject.ts';

export const REVIEW_API_VERSION = 'admission.k8s.io/v1';
export const REVIEW_KIND = 'AdmissionReview';

/** Longest uid that is echoed; the API server sends a UUID of 36 characters. */
const MOST_UID_CHARACTERS = 128;

export type Review = {
  readonly uid: string;
  readonly subject: Subject;
  /** Nothing will be stored, and nothing may be done beside the answer. */
  readonly isDryRun: boolean;
};

/**
 * Reads a review.
 *
 * @throws Fault CURFEW_E_NOT_A_REVIEW, naming the field that is missing or wrong, never its value
 */
export function parseReview(body: unknown): Review {
  if (!isObject(body)) throw notAReview('it is not an object');
  if (member(body, 'apiVersion') !== REVIEW_API_VERSION) throw notAReview('apiVersion is not admission.k8s.io/v1');
  if (member(body, 'kind') !== REVIEW_KIND) throw notAReview('kind is not AdmissionReview');
  const request = member(body, 'request');
  if (!isObject(request)) throw notAReview('request is not an object');
  const uid = asString(member(request, 'uid'));
  if (uid === undefined || uid === '' || uid.length > MOST_UID_CHARACTERS) throw notAReview('request.uid is missing');

  const resource = member(request, 'resource');
  const resourceName = asString(member(resource, 'resource'));
  if (resourceName === undefined) throw notAReview('request.resource.resource is not a string');
  const group = asString(member(resource, 'group')) ?? '';
  const operation = readOperation(member(request, 'operation'));
  const object = member(request, operation === 'DELETE' ? 'oldObject' : 'object');
  if (!isObject(object))
    throw notAReview(`request.${operation === 'DELETE' ? 'oldObject' : 'object'} is not an object`);
  const oldObject = member(request, 'oldObject');
  if (operation === 'UPDATE' && !isObject(oldObject)) throw notAReview('request.oldObject is not an object');

  return {
    uid,
    isDryRun: member(request, 'dryRun') === true,
    subject: {
      operation,
      resource: {
        group,
        name: resourceName,
        subresource: asString(member(request, 'subResource')) ?? '',
      },
      kind: asString(member(member(request, 'kind'), 'kind')) ?? resourceName,
      // The API server says that a Namespace is in the namespace of its own name, but it is in none.
      namespace: group === '' && resourceName === 'namespaces' ? '' : (asString(member(request, 'namespace')) ?? ''),
      name: asString(member(request, 'name')) ?? '',
      object,
      ...(operation === 'UPDATE' && isObject(oldObject) ? { oldObject } : {}),
      caller: readCaller(member(request, 'userInfo')),
    },
  };
}

function readOperation(value: unknown): Operation {
  switch (value) {
    case 'CREATE':
    case 'UPDATE':
    case 'DELETE':
    case 'CONNECT':
      return value;
    default:
      throw notAReview('request.operation is none of CREATE, UPDATE, DELETE, CONNECT');
  }
}

function readCaller(userInfo: unknown): { readonly username: string; readonly groups: readonly string[] } {
  return {
    username: asString(member(userInfo, 'username')) ?? '',
    groups: asArray(member(userInfo, 'groups')).filter((group): group is string => typeof group === 'string'),
  };
}

function notAReview(what: string): Fault {
  return new Fault('CURFEW_E_NOT_A_REVIEW', what);
}
