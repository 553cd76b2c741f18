/** A folder as a kubelet mounts a Secret or a ConfigMap, for tests. */

import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type MountedFolder = {
  readonly path: string;
  /** Replaces all contents at once: a new folder, then the symlink `..data` renamed over the old one. */
  swap(files: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
};

/** As the kubelet's AtomicWriter does it (kubernetes/pkg/volume/util/atomic_writer.go). */
export async function mountFolder(files: Readonly<Record<string, string>>): Promise<MountedFolder> {
  const path = await mkdtemp(join(tmpdir(), 'curfew-mounted-'));
  let version = 0;
  const swap: MountedFolder['swap'] = async (contents) => {
    version += 1;
    const data = `..version_${version}`;
    await mkdir(join(path, data));
    for (const [name, text] of Object.entries(contents)) await writeFile(join(path, data, name), text);
    const before = await readlink(join(path, '..data')).catch(() => undefined);
    await symlink(data, join(path, '..data_tmp'));
    await rename(join(path, '..data_tmp'), join(path, '..data'));
    for (const name of Object.keys(contents)) {
      await symlink(join('..data', name), join(path, name)).catch(() => undefined);
    }
    if (before !== undefined) await rm(join(path, before), { recursive: true });
  };
  await swap(files);
  return { path, swap, remove: async () => await rm(path, { recursive: true, force: true }) };
}
