/**
 * Which checks judge what a foreign policy names. Told by the resources that it matches and the fields in its text: it is
 * no proof that both say the same, and no policy is run.
 */

/** What a policy's text and resources must hold for a check to be about the same. */
const SIGNS: readonly { readonly check: string; readonly resources: RegExp; readonly text: RegExp }[] = [
  { check: 'long-lived-token-secret', resources: /^secrets?$/, text: /kubernetes\.io\/service-account-token/ },
  { check: 'bootstrap-token-expiration', resources: /^secrets?$/, text: /bootstrap\.kubernetes\.io\/token/ },
  { check: 'pod-automount', resources: /^(pods?|\*|all pods)$/, text: /automountServiceAccountToken/ },
  { check: 'service-account-automount', resources: /^serviceaccounts?$/, text: /automountServiceAccountToken/ },
  { check: 'service-account-secrets', resources: /^serviceaccounts?$/, text: /\bsecrets\b/ },
  { check: 'default-service-account', resources: /^(pods?|\*|all pods)$/, text: /serviceAccountName/ },
  { check: 'token-lifetime', resources: /^(pods?|\*|all pods)$/, text: /serviceAccountToken[^]*expirationSeconds/ },
  { check: 'token-audience', resources: /^(pods?|\*|all pods)$/, text: /serviceAccountToken[^]*audience/ },
  { check: 'token-request-lifetime', resources: /^serviceaccounts\/token$/, text: /expirationSeconds/ },
  { check: 'token-request-audience', resources: /^serviceaccounts\/token$/, text: /audience/ },
  { check: 'token-request-binding', resources: /^serviceaccounts\/token$/, text: /boundObjectRef/ },
  { check: 'rbac-wildcard', resources: /^(cluster)?roles?$/, text: /["']\*["']|wildcard/i },
  { check: 'rbac-secret-read', resources: /^(cluster)?roles?$/, text: /\bsecrets\b/ },
  {
    check: 'rbac-workload-create',
    resources: /^(cluster)?roles?$/,
    text: /\b(pods|deployments)\b[^]*\bcreate\b|\bcreate\b[^]*\b(pods|deployments)\b/,
  },
  { check: 'rbac-token-request', resources: /^(cluster)?roles?$/, text: /serviceaccounts\/token/ },
  { check: 'rbac-impersonate', resources: /^(cluster)?roles?$/, text: /\bimpersonate\b/ },
  { check: 'rbac-escalate', resources: /^(cluster)?roles?$/, text: /\b(escalate|bind)\b/ },
  { check: 'rbac-node-proxy', resources: /^(cluster)?roles?$/, text: /nodes\/proxy/ },
  { check: 'rbac-pod-exec', resources: /^(cluster)?roles?$/, text: /pods\/(exec|attach)/ },
  {
    check: 'rbac-binding-subjects',
    resources: /^(cluster)?rolebindings?$/,
    text: /cluster-admin|system:(un)?authenticated|system:serviceaccounts/,
  },
];

/** A longer text is looked at up to here. */
const MOST_CHARACTERS = 256 * 1024;

/** Ids of checks. @param resources - `pods`, or kinds as Kyverno and Gatekeeper have them: `Pod` */
export function findOverlaps(resources: readonly string[], policy: unknown): readonly string[] {
  const text = (typeof policy === 'string' ? policy : (JSON.stringify(policy) ?? '')).slice(0, MOST_CHARACTERS);
  const names = resources.map((resource) => resource.toLowerCase());
  return SIGNS.filter((sign) => names.some((name) => sign.resources.test(name)) && sign.text.test(text)).map(
    ({ check }) => check,
  );
}
