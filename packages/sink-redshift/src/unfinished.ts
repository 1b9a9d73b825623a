/**
 * The folder of the bucket that is being written to, remembered in a local file, so that the next start can remove what
 * was never saved, and nothing else: folders of other pipelines are not its own, whatever they are called. If the file
 * is lost, a few objects stay that nobody reads.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A folder of a bucket. */
export interface Folder {
  readonly bucket: string
  readonly folder: string
}

/** The file that remembers it. */
export class Unfinished {
  private readonly path: string
  private current: Folder | undefined

  constructor(path: string) {
    this.path = path
  }

  /** The one that the last start wrote to; undefined: none. */
  async read(): Promise<Folder | undefined> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    this.current = folderIn(text ?? '')
    return this.current
  }

  async begin(folder: Folder): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true })
    await writeFile(`${this.path}.next`, JSON.stringify(folder))
    await rename(`${this.path}.next`, this.path)
    this.current = folder
  }

  /** It was saved: from now on it belongs to its stage. */
  async end(folder: string): Promise<void> {
    if (this.current?.folder !== folder) return
    this.current = undefined
    await rm(this.path, { force: true })
  }
}

/** What the file says; undefined: it was cut off when the power failed. */
function folderIn(text: string): Folder | undefined {
  try {
    return JSON.parse(text) as Folder
  } catch {
    return undefined
  }
}
