/** The hidden folder: where files are until they are published. */
import { dirname, join } from 'node:path'
import { SystemError } from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import type { Staging } from '@millrace/kinds'
import { ensureInside } from './publish.ts'

/** `folder`: the name of the hidden folder below the root. */
export function hiddenFolder(disk: Disk, root: string, folder: string): Staging {
  /** Files were created in it since it was synced. */
  let isUnsynced = false
  const hint = 'restore it, or write all files again: pipe state reset PIPELINE, then run with --replace'
  return {
    isTaken: async (final) => (await disk.look(join(root, final))) !== undefined,
    async create(temp, final) {
      await ensureInside(disk, root, join(root, dirname(final)))
      await disk.makeFolder(join(root, folder))
      const file = await disk.create(join(root, folder, temp))
      isUnsynced = true
      return file
    },
    async reopen({ temp, bytes, records }) {
      const path = join(root, folder, temp)
      const file = await disk.reopen(path)
      if (!file)
        throw new SystemError('stage_missing', `${path}, with ${records} records written before, is gone`, { hint })
      if ((await file.size()) < bytes) {
        await file.close()
        throw new SystemError('stage_missing', `${path} is shorter than the ${bytes} bytes that were written to it`, {
          hint,
        })
      }
      await file.truncate(bytes)
      return file
    },
    discard: (temp) => disk.remove(join(root, folder, temp)),
    async settle() {
      if (isUnsynced) await disk.syncFolder(join(root, folder))
      isUnsynced = false
    },
  }
}
