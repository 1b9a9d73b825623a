/**
 * The file calls of connectors that read and write files. A test may substitute another layer, one that counts calls,
 * dies between two of them, or loses what was not synced.
 *
 * Failures of calls that change the disk are `SystemError` with a hint; nothing is retried here, since part of a write
 * may be on disk. `open` and `state` fail with the system's own error, which the reader interprets.
 */
import { type BigIntStats, constants } from 'node:fs'
import {
  access,
  copyFile,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises'
import { dirname } from 'node:path'
import { MillraceError, SystemError } from '@millrace/core'

/** A file that is open for writing. */
export interface DiskFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  size(): Promise<number>
  truncate(length: number): Promise<void>
  /** Resolves when everything written is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** The file at a path, links followed, or of an open handle. */
export interface FileState {
  /** `pipe`: a FIFO; `device`: a character device such as a terminal. */
  readonly kind: 'file' | 'folder' | 'pipe' | 'socket' | 'device' | 'other'
  readonly bytes: number
  /** Device and inode: a different file under the same name has a different one. */
  readonly id: string
  /** When its content was last changed, ns UTC. */
  readonly changedNs: bigint
}

/** A file that is open for reading. It stays the same file whatever happens to its name. */
export interface DiskReader {
  /** Fills `into` from `position` on; returns the number of bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  state(): Promise<FileState>
  close(): Promise<void>
}

/** Files and folders, by absolute paths. */
export interface Disk {
  /** Undefined: it does not exist. */
  state(path: string): Promise<FileState | undefined>
  open(path: string): Promise<DiskReader>
  /** Creates a file; fails if it exists. */
  create(path: string): Promise<DiskFile>
  /** Opens a file that exists; undefined: it does not. */
  reopen(path: string): Promise<DiskFile | undefined>
  /** The content of a folder, links not followed. */
  look(path: string): Promise<{ readonly kind: 'file' | 'folder' | 'other'; readonly bytes: number } | undefined>
  /** Creates a folder and its parents, durably. */
  makeFolder(path: string): Promise<void>
  list(path: string): Promise<readonly { readonly name: string; readonly folder: boolean }[]>
  /** The path without links; undefined: it does not exist. */
  real(path: string): Promise<string | undefined>
  /** Renames a file, replacing the target if it exists. Durable after `syncFolder`. */
  rename(from: string, to: string): Promise<void>
  /** Copies a file to a free name; its bytes are on disk when it resolves. */
  copy(from: string, to: string): Promise<void>
  /** Removes a file if it exists. Durable after `syncFolder`. */
  remove(path: string): Promise<void>
  /** Removes a folder if it is empty. */
  removeFolder(path: string): Promise<void>
  /** Resolves when the names in the folder are on disk. */
  syncFolder(path: string): Promise<void>
  canWrite(path: string): Promise<boolean>
}

const system = (code: string, message: string, cause: unknown, hint: string) =>
  new SystemError(code, message, { cause, hint })

function failure(doing: string, path: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return system(
        'disk_full',
        `no space left while ${doing} ${path}`,
        error,
        'free some space and run again: the run resumes from its last save',
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return system(
        'no_permission',
        `permission denied while ${doing} ${path}`,
        error,
        'give the user of this process permission to read and write the folder, and run again',
      )
    case 'EMFILE':
    case 'ENFILE':
      return system(
        'too_many_files',
        `too many open files while ${doing} ${path}`,
        error,
        'lower max_open_files, or raise the limit of the system (ulimit -n)',
      )
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
      return new MillraceError('output_taken', `something else is in the way of ${path}`, {
        cause: error,
        hint: 'remove it, or choose another path',
        exitCode: 3,
      })
    default:
      return system(
        'io_error',
        `${doing} ${path} failed: ${message}`,
        error,
        'check the disk and the folder, and run again: the run resumes from its last save',
      )
  }
}

/** Runs a file call; its failure names the path. `absent`: the result if nothing is there. */
async function attempt<T>(doing: string, path: string, call: Promise<T>, absent?: { value: T }): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (absent && (error as NodeJS.ErrnoException).code === 'ENOENT') return absent.value
    throw failure(doing, path, error)
  }
}

function fileOf(handle: FileHandle, path: string): DiskFile {
  return {
    async write(bytes, position) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await attempt(
          'writing',
          path,
          handle.write(bytes, done, bytes.length - done, position + done),
        )
        done += bytesWritten
      }
    },
    size: async () => (await attempt('inspecting', path, handle.stat())).size,
    truncate: (length) => attempt('truncating', path, handle.truncate(length)),
    sync: () => attempt('writing', path, handle.datasync()),
    close: () => handle.close(),
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await attempt('opening', path, open(path, 'r'))
  try {
    await attempt('writing', path, handle.sync())
  } finally {
    await handle.close()
  }
}

const kinds: Readonly<Record<number, FileState['kind']>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'folder',
  [constants.S_IFIFO]: 'pipe',
  [constants.S_IFSOCK]: 'socket',
  [constants.S_IFCHR]: 'device',
}

const stateOf = (s: BigIntStats): FileState => ({
  kind: kinds[Number(s.mode) & constants.S_IFMT] ?? 'other',
  bytes: Number(s.size),
  id: `${s.dev}:${s.ino}`,
  changedNs: s.mtimeNs,
})

/** The disk of this machine. */
export const nodeDisk: Disk = {
  async state(path) {
    try {
      return stateOf(await stat(path, { bigint: true }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  },
  async open(path) {
    const handle = await open(path)
    return {
      read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
      state: async () => stateOf(await handle.stat({ bigint: true })),
      close: () => handle.close(),
    }
  },
  create: async (path) => fileOf(await attempt('creating', path, open(path, 'wx')), path),
  async reopen(path) {
    const handle = await attempt<FileHandle | undefined>('opening', path, open(path, 'r+'), { value: undefined })
    return handle && fileOf(handle, path)
  },
  async look(path) {
    const found = await attempt<Awaited<ReturnType<typeof lstat>> | undefined>('inspecting', path, lstat(path), {
      value: undefined,
    })
    return (
      found && { kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other', bytes: Number(found.size) }
    )
  },
  async makeFolder(path) {
    const first = await attempt('creating', path, mkdir(path, { recursive: true }))
    if (first === undefined) return
    for (let made = path; ; made = dirname(made)) {
      await syncFolder(dirname(made))
      if (made === first) return
    }
  },
  async list(path) {
    const entries = await attempt('reading', path, readdir(path, { withFileTypes: true }), { value: [] })
    return entries.map((entry) => ({ name: entry.name, folder: entry.isDirectory() }))
  },
  real: (path) => attempt<string | undefined>('inspecting', path, realpath(path), { value: undefined }),
  rename: (from, to) => attempt('renaming', from, rename(from, to)),
  async copy(from, to) {
    await attempt('creating', to, copyFile(from, to, constants.COPYFILE_EXCL))
    const handle = await attempt('opening', to, open(to))
    try {
      await attempt('writing', to, handle.datasync())
    } finally {
      await handle.close()
    }
  },
  remove: (path) => attempt('removing', path, rm(path, { force: true })),
  async removeFolder(path) {
    await rmdir(path).catch(() => {})
  },
  syncFolder,
  canWrite: (path) =>
    access(path, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    ),
}

/** Throws if files cannot be created in a folder, which need not exist yet. */
export async function checkFolder(disk: Disk, folder: string): Promise<void> {
  let near = folder
  let found = await disk.look(near)
  while (!found && near !== dirname(near)) {
    near = dirname(near)
    found = await disk.look(near)
  }
  if (found?.kind === 'file')
    throw new MillraceError('output_taken', `${near} is a file, but a folder is needed there`, {
      hint: 'remove it, or choose another path',
      exitCode: 3,
    })
  if (!(await disk.canWrite(near)))
    throw system(
      'no_permission',
      `no permission to write to ${near}`,
      undefined,
      'give the user of this process write permission, or choose another path',
    )
}
