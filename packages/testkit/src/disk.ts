/**
 * An in-memory disk that loses, when the power is cut, everything that was not made durable. A SIGKILL cannot show a
 * missing fsync, since the page cache outlives the process; this can. The rules are those of POSIX: the bytes of a file
 * are durable as of its last `sync`, the names in a folder as of the folder's last `syncFolder`; unsynced changes may
 * or may not survive, each by itself. A rename is one change, in both of its folders, as on every journalling file
 * system.
 *
 * It implements the interface through which @millrace/client-files makes its file calls, so it can replace the disk.
 */

/** The metadata of a file or folder; times are those of a clock that advances by one with each change. */
export interface ForgetfulState {
  readonly kind: 'file' | 'folder'
  readonly bytes: number
  readonly id: string
  readonly changedNs: bigint
}

/** A file that is open for writing. */
export interface ForgetfulFile {
  write(bytes: Uint8Array, position: number): Promise<void>
  size(): Promise<number>
  truncate(length: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

interface FileNode {
  readonly kind: 'file'
  readonly id: number
  changed: bigint
  live: Buffer
  /** As of the last sync; undefined: never synced. */
  synced: Buffer | undefined
}
interface FolderNode {
  readonly kind: 'folder'
  readonly id: number
  live: Map<string, Node>
  durable: Map<string, Node>
}
type Node = FileNode | FolderNode
/** A rename that no sync of either folder has made durable yet. */
interface Rename {
  readonly node: Node
  readonly before: FolderNode
  readonly name: string
  readonly after: FolderNode
  readonly newName: string
}

let nodes = 0
let changes = 0n
const folder = (id = ++nodes): FolderNode => ({ kind: 'folder', id, live: new Map(), durable: new Map() })
const partsOf = (path: string): string[] => path.split('/').filter(Boolean)

const stateOf = (node: Node): ForgetfulState => ({
  kind: node.kind,
  bytes: node.kind === 'file' ? node.live.length : 0,
  id: String(node.id),
  changedNs: node.kind === 'file' ? node.changed : 0n,
})

/** A disk that loses what was not synced. */
export class ForgetfulDisk {
  private root = folder()
  /** Handles opened before a cut belong to a process that is gone. */
  private lives = 0
  private renames: Rename[] = []

  /** Cuts the power: unsynced changes survive only if `keep` says so, by default none. Open files are closed. */
  cutPower(keep: () => boolean = () => false): void {
    this.lives++
    for (const rename of this.renames) this.settleRename(rename, keep())
    this.renames = []
    const settled = new Map<Node, Node>()
    const settle = (node: Node): Node => {
      const known = settled.get(node)
      if (known) return known
      if (node.kind === 'file') {
        const bytes = keep() ? node.live : (node.synced ?? Buffer.alloc(0))
        const file: FileNode = { ...node, live: Buffer.from(bytes), synced: Buffer.from(bytes) }
        settled.set(node, file)
        return file
      }
      const made = folder(node.id)
      settled.set(node, made)
      for (const name of new Set([...node.live.keys(), ...node.durable.keys()])) {
        const [live, durable] = [node.live.get(name), node.durable.get(name)]
        const chosen = live === durable || !keep() ? durable : live
        if (chosen) made.live.set(name, settle(chosen))
      }
      made.durable = new Map(made.live)
      return made
    }
    this.root = settle(this.root) as FolderNode
  }

  /** The bytes of a file as a reader sees them now. */
  read(path: string): Buffer | undefined {
    const node = this.find(path)
    return node?.kind === 'file' ? Buffer.from(node.live) : undefined
  }

  /** Paths of all files, as a reader sees them now. */
  files(): string[] {
    const walk = (node: FolderNode, at: string): string[] =>
      [...node.live].flatMap(([name, child]) =>
        child.kind === 'file' ? [`${at}/${name}`] : walk(child, `${at}/${name}`),
      )
    return walk(this.root, '').sort()
  }

  create = async (path: string): Promise<ForgetfulFile> => {
    const [parent, name] = this.place(path)
    if (parent.live.has(name)) throw new Error(`${path} exists`)
    const node: FileNode = { kind: 'file', id: ++nodes, changed: ++changes, live: Buffer.alloc(0), synced: undefined }
    parent.live.set(name, node)
    return this.opened(node)
  }

  reopen = async (path: string): Promise<ForgetfulFile | undefined> => {
    const node = this.find(path)
    return node?.kind === 'file' ? this.opened(node) : undefined
  }

  state = async (path: string): Promise<ForgetfulState | undefined> => {
    const node = this.find(path)
    return node && stateOf(node)
  }

  open = async (path: string) => {
    const node = this.find(path)
    if (node?.kind !== 'file') throw new Error(`${path} is not a file`)
    return {
      read: async (into: Uint8Array, position: number) =>
        node.live.copy(into, 0, position, Math.min(node.live.length, position + into.length)),
      state: async () => stateOf(node),
      close: async () => {},
    }
  }

  look = async (
    path: string,
  ): Promise<{ readonly kind: 'file' | 'folder' | 'other'; readonly bytes: number } | undefined> => {
    const node = this.find(path)
    return node && { kind: node.kind, bytes: node.kind === 'file' ? node.live.length : 0 }
  }

  /** Durable immediately, including its parents. */
  makeFolder = async (path: string): Promise<void> => {
    let at = this.root
    for (const name of partsOf(path)) {
      let next = at.live.get(name)
      if (!next) {
        next = folder()
        at.live.set(name, next)
        at.durable.set(name, next)
      }
      if (next.kind !== 'folder') throw new Error(`${name} of ${path} is not a folder`)
      at = next
    }
  }

  list = async (path: string): Promise<{ name: string; folder: boolean }[]> => {
    const node = this.find(path)
    return node?.kind === 'folder'
      ? [...node.live].map(([name, child]) => ({ name, folder: child.kind === 'folder' }))
      : []
  }

  real = async (path: string): Promise<string | undefined> =>
    this.find(path) ? `/${partsOf(path).join('/')}` : undefined

  rename = async (from: string, to: string): Promise<void> => {
    const [before, name] = this.place(from)
    const node = before.live.get(name)
    if (!node) throw new Error(`${from} does not exist`)
    const [after, newName] = this.place(to)
    before.live.delete(name)
    after.live.set(newName, node)
    this.renames.push({ node, before, name, after, newName })
  }

  copy = async (from: string, to: string): Promise<void> => {
    const node = this.find(from)
    if (node?.kind !== 'file') throw new Error(`${from} is not a file`)
    const file = await this.create(to)
    await file.write(node.live, 0)
    await file.sync()
  }

  remove = async (path: string): Promise<void> => {
    const [parent, name] = this.place(path)
    parent.live.delete(name)
  }

  removeFolder = async (path: string): Promise<void> => {
    const node = this.find(path)
    if (node?.kind === 'folder' && node.live.size === 0) await this.remove(path)
  }

  syncFolder = async (path: string): Promise<void> => {
    const node = this.find(path)
    if (node?.kind !== 'folder') throw new Error(`${path} is not a folder`)
    const isOf = ({ before, after }: Rename) => before === node || after === node
    for (const rename of this.renames.filter(isOf)) this.settleRename(rename, true)
    this.renames = this.renames.filter((rename) => !isOf(rename))
    node.durable = new Map(node.live)
  }

  canWrite = async (path: string): Promise<boolean> => this.find(path) !== undefined

  /** Makes a rename durable, or undoes it, if its names have not changed since. */
  private settleRename({ node, before, name, after, newName }: Rename, isDone: boolean): void {
    if (isDone) {
      if (after.live.get(newName) === node) after.durable.set(newName, node)
      if (before.durable.get(name) === node) before.durable.delete(name)
    } else {
      if (before.durable.get(name) === node && !before.live.has(name)) before.live.set(name, node)
      if (after.live.get(newName) !== node) return
      const old = after.durable.get(newName)
      if (old) after.live.set(newName, old)
      else after.live.delete(newName)
    }
  }

  private opened(node: FileNode): ForgetfulFile {
    const { lives } = this
    const alive = () => {
      if (lives !== this.lives) throw new Error('this file was opened before the power was cut')
    }
    return {
      write: async (bytes, position) => {
        alive()
        const grown = Buffer.alloc(Math.max(node.live.length, position + bytes.length))
        node.live.copy(grown)
        grown.set(bytes, position)
        node.live = grown
        node.changed = ++changes
      },
      size: async () => node.live.length,
      truncate: async (length) => {
        alive()
        const cut = Buffer.alloc(length)
        node.live.copy(cut, 0, 0, length)
        node.live = cut
        node.changed = ++changes
      },
      sync: async () => {
        alive()
        node.synced = Buffer.from(node.live)
      },
      close: async () => {},
    }
  }

  private find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of partsOf(path)) node = node?.kind === 'folder' ? node.live.get(name) : undefined
    return node
  }

  private place(path: string): [FolderNode, string] {
    const parts = partsOf(path)
    const parent = this.find(parts.slice(0, -1).join('/'))
    if (parent?.kind !== 'folder') throw new Error(`the folder of ${path} does not exist`)
    return [parent, parts.at(-1)!]
  }
}

/** The error of a call to a disk without power. */
export class PowerCut extends Error {}

/** The disk, until it and its files have been called `calls` times; later calls throw `PowerCut`. */
export function dyingDisk<D extends object>(disk: D, calls: number): D {
  let left = calls
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const method = Reflect.get(object, name) as unknown
        if (typeof method !== 'function') return method
        return async (...args: unknown[]) => {
          if (--left < 0) throw new PowerCut('there is no power')
          const result: unknown = await (method as (...a: unknown[]) => unknown).apply(object, args)
          return ['create', 'reopen', 'open'].includes(String(name)) && result ? mortal(result) : result
        }
      },
    })
  return mortal(disk)
}
