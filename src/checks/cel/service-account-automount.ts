import { documentedCel, findingCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';

const REASON = 'undocumented API tokens for its pods';

export const serviceAccountAutomount: CelForm = {
  reasons: [REASON],
  findings({ object }, { acceptApiAccessFrom }) {
    const path = `(has(${object}.automountServiceAccountToken) ? "/automountServiceAccountToken" : "/metadata")`;
    const finding = findingCel({ key: '"automountServiceAccountToken"', path, why: REASON });
    const documented = [
      ...(acceptApiAccessFrom.includes('ServiceAccount') ? [documentedCel(`${object}.metadata`)] : []),
      ...(acceptApiAccessFrom.includes('Namespace') ? [documentedCel('namespaceObject.metadata')] : []),
    ];
    const undocumented = documented.map((one) => ` && !${one}`).join('');
    return `${object}.?automountServiceAccountToken.orValue(true)${undocumented} ? [[${finding}]] : []`;
  },
};
