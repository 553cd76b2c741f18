/** Starts a control plane, prints its folder and waits to be killed: for the test that nothing stays behind. */

import { startControlPlane } from './control-plane.ts';

const controlPlane = await startControlPlane();
process.stdout.write(`${controlPlane.stateFolder}\n`);
