/** Values by the parts of their key: nested Maps, one level per part. All keys have the same number of parts. */
export class ByParts<T> {
  private readonly top: Level<T> = new Map()

  get(parts: readonly unknown[]): T | undefined {
    let level: Level<T> | undefined = this.top
    for (let d = 0; level && d < parts.length - 1; d++) level = level.get(parts[d]) as Level<T> | undefined
    return level?.get(lastOf(parts)) as T | undefined
  }

  set(parts: readonly unknown[], value: T): void {
    let level = this.top
    for (let d = 0; d < parts.length - 1; d++) {
      let next = level.get(parts[d]) as Level<T> | undefined
      if (!next) level.set(parts[d], (next = new Map()))
      level = next
    }
    level.set(lastOf(parts), value)
  }

  /** Removes what is there, and the Maps on the way to it that have become empty. */
  delete(parts: readonly unknown[]): void {
    const levels: Level<T>[] = [this.top]
    for (let d = 0; d < parts.length - 1; d++) levels.push(levels[d]!.get(parts[d]) as Level<T>)
    for (let d = levels.length - 1; d >= 0; d--) {
      levels[d]!.delete(d === levels.length - 1 ? lastOf(parts) : parts[d])
      if (levels[d]!.size > 0) break
    }
  }
}

type Level<T> = Map<unknown, Level<T> | T>

/** The last part of a key, null if it has none. */
const lastOf = (parts: readonly unknown[]): unknown => (parts.length === 0 ? null : parts[parts.length - 1])
