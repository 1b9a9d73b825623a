/**
 * How groups of windows are saved, and read again. Groups are in sets, one for each window (or part of one), which has
 * a name. An entry for each group, `NAME GROUP`, has the number of its records and its state. An entry for each set,
 * `# NAME`, has the number of its groups and records, and a note; if memory is kept separately for each split, there
 * is one for each, `# NAME SPLIT`.
 *
 * A restart reads the entries of sets only, so it does not take the longer the more groups are open. A group is read
 * when a record of it comes, or with all others of its set, a page at a time, when their window fires.
 */
import type { Aggregation, MemoryChange, SavedMemory, SavedMemoryEntry } from '@millrace/core'
import { afterEntry, type Changes, changesOf, entryOf, isEntry, restoreEntries } from './changes.ts'
import type { Count, Group, GroupSet, SavedGroup, Unread } from './group.ts'
import type { Groups } from './groups.ts'
import { readFlagged, writeFlagged } from './memory.ts'

/** What has changed in sets of groups. `noteOf`: what is saved with a set, without spaces. */
export function changesInSets(compiled: Aggregation, noteOf: (set: GroupSet) => string): Changes<Group> {
  let counts: Count[] = []
  const groups = changesOf<Group>(
    compiled.pieces,
    ({ count, saved }) => `${count.of.name} ${saved}`,
    (group) => `${group.records} ${writeFlagged(group, compiled)}`,
  )
  const changeOf = (count: Count): MemoryChange => {
    const { of, split, groups: n, records } = count
    count.changed = false
    const text = n === 0 ? null : `${n} ${records} ${noteOf(of)}`
    return split === undefined ? [setMark + of.name, text] : [`${setMark}${of.name} ${split}`, text, split]
  }
  const touch = (count: Count) => {
    if (count.changed) return
    count.changed = true
    counts.push(count)
  }
  return {
    touch(group) {
      const { count, split, savedIn } = group
      groups.touch(group)
      touch(count)
      // It has moved.
      if (savedIn !== undefined && split !== undefined && savedIn !== split) touch(count.of.countOf(savedIn))
    },
    take() {
      const taken = [...counts.map(changeOf), ...groups.take()]
      counts = []
      return taken
    },
    count: () => counts.length + groups.count(),
  }
}

/** Restores sets of groups. `setOf`: opens the set of this name, which was saved with this note. */
export function restoreSets(
  memory: SavedMemory,
  compiled: Aggregation,
  setOf: (name: string, note: string) => Groups,
): void {
  for (const [key, text, split] of memory.entries({ from: setMark, before: '#!' })) {
    const name = key.split(' ')[1]!
    const [groups, records, note] = text.split(' ') as [string, string, string]
    setOf(name, note).expect(split, Number(groups), Number(records), unreadGroups(memory, name, compiled))
  }
}

const setMark = '# '

/** So many entries are read at a time. */
const pageSize = 1000

function unreadGroups(memory: SavedMemory, name: string, compiled: Aggregation): Unread {
  const prefix = `${name} `
  /** The keys of groups that were asked for. Whatever has become of them is saved as well. */
  const known = new Set<string>()
  let from = `${prefix}[`
  const groupsIn = (entries: Iterable<SavedMemoryEntry>): SavedGroup[] => {
    const found: SavedGroup[] = []
    restoreEntries(entries, compiled.pieces, (key, text, split) => {
      const space = text.indexOf(' ')
      const { isNew, state } = readFlagged(text.slice(space + 1), compiled)
      found.push({ saved: key.slice(prefix.length), state, split, records: Number(text.slice(0, space)), isNew })
      return state
    })
    return found
  }
  const groupAt = (key: string) => [...memory.entries({ from: key, before: afterEntry(key) })]
  /** Groups with all their pieces, some of which may be beyond the page. */
  const nextPage = (): readonly SavedMemoryEntry[] => {
    const page = [...memory.entries({ from, before: `${prefix}\\`, limit: pageSize })]
    if (!compiled.pieces || page.length < pageSize) return page
    const last = page.findLastIndex(([key]) => isEntry(key))
    return last > 0 ? page.slice(0, last) : groupAt(page[0]![0])
  }
  return {
    find(saved) {
      if (known.has(saved)) return undefined
      known.add(saved)
      return groupsIn(groupAt(prefix + saved))[0]
    },
    next() {
      for (;;) {
        const page = nextPage()
        if (page.length === 0) return []
        from = afterEntry(entryOf(page.at(-1)![0]))
        const found = groupsIn(page.filter(([key]) => !known.has(entryOf(key).slice(prefix.length))))
        if (found.length > 0) return found
      }
    },
  }
}
