import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, stringMembers, valueAt } from '../../src/objects/json.ts';
import { findKind } from '../../src/objects/kinds.ts';
import { checkText } from '../fuzz/invariants.ts';
import { HOSTILE_OBJECTS } from '../hostile/objects.ts';
import { review, type StartedApp, startApp } from './start-app.ts';

let app: StartedApp;
beforeAll(async () => {
  app = await startApp({ levels: { enforce: 'restricted' } });
});
afterAll(async () => {
  await app.stop();
});

describe('The webhook, asked about a hostile object,', () => {
  it.each(HOSTILE_OBJECTS)('$name: answers in time, and in clean lines', async ({ entry, object, isAllowed, says }) => {
    const lines = app.logLines.length;
    const sent = object();
    const found = findKind(asString(sent['apiVersion']) ?? '', asString(sent['kind']) ?? '');
    const resource = { group: found?.group ?? '', version: 'v1', resource: found?.resource ?? '' };
    const { status, text } = await app.send(entry, review('', sent, { resource }));
    expect(status).toBe(200);
    const { response }: { readonly response: unknown } = JSON.parse(text);
    const message = asString(valueAt(response, ['status', 'message'])) ?? '';
    expect({ isAllowed: valueAt(response, ['allowed']) }).toEqual({ isAllowed });
    // The subject has the name of the request, which the API server takes from the URL.
    if (!isAllowed) expect(message).toContain(says.replace(/^Pod shop.*/, ''));
    checkText(message, 'the denial');
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4_096);
    const others = [
      ...asArray(valueAt(response, ['warnings'])).map(String),
      ...stringMembers(valueAt(response, ['auditAnnotations'])).values(),
    ];
    for (const line of others) {
      checkText(line, 'a warning or an annotation');
      expect(line).not.toContain('\n');
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4_096);
    }
    // A line of the log is JSON, whatever is in it, and bounded.
    for (const line of app.logLines.slice(lines)) {
      expect(line.length).toBeLessThan(4_000);
      checkText(line, 'a line of the log');
    }
  });
});
