/** The CA of callers, in a mounted ConfigMap: the next one is used without a restart, what is none is not. */

import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createTrustedCallers } from '../../src/certificates/trusted-callers.ts';
import { createFakeClock, eventually } from './fake-clock.ts';
import { issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';
import { type MountedFolder, mountFolder } from './mounted-folder.ts';

const LOOK = 5_000;

const folders: MountedFolder[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

async function start(text: string) {
  const [clock, log] = [createFakeClock(), createLineLog()];
  const folder = await mountFolder({ 'callers-ca.crt': text });
  folders.push(folder);
  const caFile = join(folder.path, 'callers-ca.crt');
  const callers = await createTrustedCallers({ caFile, intervalMs: LOOK, clock, log });
  const look = async () => {
    await eventually(() => clock.sleepers() === 1);
    clock.advance(LOOK);
    await eventually(() => clock.sleepers() === 1);
  };
  return { callers, caFile, folder, log, look };
}

it('It is used anew when the folder is swapped, and told', async () => {
  const [one, two] = [await issuePair(Date.now()), await issuePair(Date.now())];
  const { callers, folder, log, look } = await start(one.ca.cert);
  let changes = 0;
  callers.onChange(() => (changes += 1));
  callers.start();
  await look();
  expect([callers.bundle(), changes]).toEqual([one.ca.cert, 0]);
  await folder.swap({ 'callers-ca.crt': two.ca.cert + one.ca.cert });
  await look();
  await look();
  expect([callers.bundle(), changes]).toEqual([two.ca.cert + one.ca.cert, 1]);
  expect(log.lines).toEqual(['CA of callers reloaded']);
  await callers.stop();
});

it('What is none is refused, once, and the old one stays: nobody is let in by an empty file', async () => {
  const { ca } = await issuePair(Date.now());
  const { callers, caFile, folder, log, look } = await start(ca.cert);
  callers.start();
  await folder.swap({ 'callers-ca.crt': '' });
  await look();
  await look();
  const why = `CA file ${caFile} cannot be used: it holds no PEM certificate.`;
  expect([callers.bundle(), callers.problem()]).toEqual([ca.cert, why]);
  expect(log.lines).toEqual([`new CA of callers refused, the old one stays: ${why}`]);
  await folder.swap({ 'callers-ca.crt': ca.cert });
  await look();
  expect(callers.problem()).toBeUndefined();
  await callers.stop();
});

it('A file that is none ends the start with a sentence', async () => {
  await expect(start('x')).rejects.toThrow(/^CA file .*callers-ca\.crt cannot be used: it holds no PEM certificate\.$/);
});
