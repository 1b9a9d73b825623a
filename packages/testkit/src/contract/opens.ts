/** The open handles of a process and the content of a folder: shows that `create` does no I/O. */
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import assert from 'node:assert/strict'

/** Open descriptors with what they refer to; empty if the system does not show it. */
function descriptors(): string[] {
  let names: string[]
  try {
    names = readdirSync('/proc/self/fd')
  } catch {
    return []
  }
  return names.flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      return target.startsWith('/proc/') ? [] : [`${name} ${target}`]
    } catch {
      return []
    }
  })
}

/** Throws if `work` leaves a file, socket, timer or request open, or changes anything below `root`. */
export async function opensNothing(root: string, work: () => unknown): Promise<void> {
  const before = { descriptors: descriptors(), files: list(root), resources: process.getActiveResourcesInfo() }
  work()
  const resources = [...process.getActiveResourcesInfo()]
  await sleep(20)
  for (const name of before.resources) if (resources.includes(name)) resources.splice(resources.indexOf(name), 1)
  const opened = descriptors().filter((descriptor) => !before.descriptors.includes(descriptor))
  assert.deepEqual(opened, [], `create opened ${opened.join(', ')}`)
  assert.deepEqual(resources, [], `create started ${resources.join(', ')}`)
  assert.deepEqual(list(root), before.files, 'create changed the project folder')
}

const list = (root: string): string[] => readdirSync(root, { recursive: true }).map(String).sort()
