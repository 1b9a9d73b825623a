/** Files that earlier runs of the same sink left. */
import { join } from 'node:path'
import type { Disk } from '@millrace/client-files'
import { folderPattern, namePattern, type PathTemplate, type FilesWriter } from '@millrace/kinds'

/** The files of earlier runs, relative to the root, in order. */
export async function findExisting(
  disk: Disk,
  root: string,
  writer: FilesWriter,
  template: PathTemplate,
  ending: string,
): Promise<string[]> {
  const wanted = namePattern(writer, template, ending)
  const found: string[] = []
  const walk = async (folder: string, depth: number): Promise<void> => {
    const fits = folderPattern(template, depth)
    for (const entry of await disk.list(join(root, folder))) {
      if (fits) {
        if (entry.folder && !entry.name.startsWith('.') && fits.test(entry.name))
          await walk(join(folder, entry.name), depth + 1)
      } else if (!entry.folder && wanted.test(entry.name)) found.push(join(folder, entry.name))
    }
  }
  await walk('', 0)
  return found.toSorted()
}
