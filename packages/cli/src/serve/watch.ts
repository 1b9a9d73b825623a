/** Tells when files have changed. */
import { existsSync, type FSWatcher, watch } from 'node:fs'

/** Editors write a file in several steps. */
const quietMs = 200

/** Watches folders, and calls `changed` once they have been quiet for a moment. */
export function createWatch(changed: () => void): { watch(folders: ReadonlySet<string>): void; close(): void } {
  const watched = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  const soon = () => {
    clearTimeout(timer)
    timer = setTimeout(changed, quietMs)
  }
  const drop = (folder: string) => {
    watched.get(folder)?.close()
    watched.delete(folder)
  }
  return {
    watch(folders) {
      for (const folder of watched.keys()) if (!folders.has(folder)) drop(folder)
      for (const folder of folders) {
        if (watched.has(folder) || !existsSync(folder)) continue
        const watcher = watch(folder, (_, name) => {
          // A name without a dot may be a folder; `..data` is the link that Kubernetes changes.
          if (name === null || /\.(ya?ml|json)$|^[^.]+$|^\.\.data$/.test(name)) soon()
        })
        // The folder is gone; the next look at the files tells.
        watcher.on('error', () => drop(folder))
        watched.set(folder, watcher)
      }
    },
    close() {
      clearTimeout(timer)
      for (const folder of watched.keys()) drop(folder)
    },
  }
}
