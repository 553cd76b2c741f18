import { findingCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';
import { podBounds, SOURCES, volumesCel } from './pod-tokens.ts';

const REASON = 'a token of this pod';

export const ephemeralContainerToken: CelForm = {
  reasons: [REASON],
  hasContainers: true,
  left: 'Secrets with a token, mounted or as a variable: which Secrets hold one is known to the index of the webhook alone',
  bounds: podBounds,
  variables: (place) => [
    ['holders', `${volumesCel(place.spec)}.filter(v, ${SOURCES}.exists(s, has(s.serviceAccountToken))).map(v, v.name)`],
  ],
  findings(place) {
    // A debug container is only ever added, so what was found before is never found again.
    if (place.isOld) return '[]';
    const list = `${place.spec}.?ephemeralContainers.orValue([])`;
    const isAdded = '!oldObject.spec.?ephemeralContainers.orValue([]).exists(o, o.name == c.name)';
    const path = `${place.specPath} + "/ephemeralContainers/" + string(${list}.indexOf(c)) + "/volumeMounts/" + string(c.volumeMounts.indexOf(m))`;
    const finding = findingCel({ key: 'c.name + ": " + m.name', path, why: REASON, container: 'c.name' });
    const mounts = `c.?volumeMounts.orValue([]).filter(m, m.name in ${place.own('holders')})`;
    return `${list}.filter(c, ${isAdded}).map(c, ${mounts}.map(m, ${finding})).filter(g, size(g) > 0)`;
  },
};
