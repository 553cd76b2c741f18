/** How a message says that somebody lacks one of Curfew's own rights, in words an administrator can paste. */

import type { Caller } from '../objects/subject.ts';

const SERVICE_ACCOUNT = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/;
/** Names that a shell takes as they stand: certificates' common names, e-mail addresses, URLs of OIDC. */
const PLAIN_WORD = /^[A-Za-z0-9][A-Za-z0-9@._:/+-]{0,252}$/;

const MOST_NAME_CHARACTERS = 63;

/**
 * kubectl cannot make the role itself: it looks for the resource, and there is none ("the server doesn't have a
 * resource type"), so the chart brings it, bound to nobody.
 */
export function describeGrant(caller: Caller | undefined, role: string): string {
  const username = caller?.username ?? '';
  const [, namespace, account] = SERVICE_ACCOUNT.exec(username) ?? [];
  const who =
    namespace === undefined || account === undefined
      ? `--user=${PLAIN_WORD.test(username) ? username : 'USER'}`
      : `--serviceaccount=${namespace}:${account}`;
  const words = (account ?? username).toLowerCase().match(/[a-z0-9]+/g) ?? ['user'];
  const binding = `${role}-${words.join('-').slice(0, MOST_NAME_CHARACTERS)}`;
  return `have an administrator allow it: kubectl create clusterrolebinding ${binding} --clusterrole=${role} ${who}`;
}
