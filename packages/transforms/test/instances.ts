/**
 * A step running on one instance or several, each with the splits that it owns: saved, killed, edited, and moved to
 * others.
 */
import { ownerOf, type Row, type Transform } from '@millrace/core'
import { type Entries, mergedEntries, saveChanges, savedMemory } from '@millrace/testkit'
import { apply, type Finished, finish, type From, type Ran } from './step.ts'

export interface Instances {
  feed(split: string, rows: readonly Row[], from?: From): Ran
  save(): void
  /** What was not saved is lost; `create` makes the steps that continue. */
  restart(create: () => Transform): void
  /** Saves, and continues with `n` instances, each with the entries of its own splits. */
  rescale(n: number): void
  finish(): Finished
  /** The number of saved entries. */
  readonly entries: number
}

export function instances(create: () => Transform): Instances {
  let make = create
  let all: { step: Transform; memory: Entries }[] = [{ step: create(), memory: new Map() }]
  const started = (memory: Entries) => {
    const step = make()
    step.restore!(savedMemory(memory))
    return { step, memory }
  }
  const saveAll = () => {
    for (const { step, memory } of all) {
      const expected = step.changeCount!()
      const before = new Map(memory)
      saveChanges(step, memory)
      const changed = [...memory].filter(([key, entry]) => before.get(key) !== entry).length
      const gone = [...before.keys()].filter((key) => !memory.has(key)).length
      // Entries that were never saved may be removed too.
      if (changed + gone > expected) throw new Error(`${changed + gone} changes, but it told of ${expected}`)
      if (step.changeCount!() !== 0) throw new Error('there are changes right behind a cut')
    }
  }
  return {
    feed: (split, rows, from = {}) => apply(all[ownerOf(split, all.length)]!.step, rows, { ...from, split }),
    save: saveAll,
    restart(create) {
      make = create
      all = all.map(({ memory }) => started(memory))
    },
    rescale(n) {
      saveAll()
      const merged = mergedEntries(all.map(({ memory }) => memory))
      const memories = Array.from({ length: n }, (): Entries => new Map())
      for (const [key, entry] of merged) memories[ownerOf(entry[1]!, n)]!.set(key, entry)
      all = memories.map(started)
    },
    finish() {
      const finished = all.map(({ step }) => finish(step))
      return {
        results: Object.fromEntries(finished.flatMap(({ results }) => Object.entries(results))),
        failed: finished.flatMap(({ failed }) => failed),
      }
    },
    get entries() {
      return all.reduce((sum, { memory }) => sum + memory.size, 0)
    },
  }
}
