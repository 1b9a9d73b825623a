/** A binary heap: the entry with the least key comes first. */
export interface Heap<T> {
  push(key: number, value: T): void
  readonly size: number
  /** The least key; Infinity: it is empty. */
  least(): number
  /** Removes the entry with the least key. The heap must not be empty. */
  pop(): T
}

export function createHeap<T>(): Heap<T> {
  const keys: number[] = []
  const values: T[] = []
  const swap = (a: number, b: number) => {
    const [key, value] = [keys[a]!, values[a]!]
    keys[a] = keys[b]!
    values[a] = values[b]!
    keys[b] = key
    values[b] = value
  }
  return {
    push(key, value) {
      let at = keys.push(key) - 1
      values.push(value)
      for (let up = (at - 1) >> 1; at > 0 && keys[up]! > keys[at]!; up = (at - 1) >> 1) {
        swap(at, up)
        at = up
      }
    },
    get size() {
      return keys.length
    },
    least: () => keys[0] ?? Number.POSITIVE_INFINITY,
    pop() {
      swap(0, keys.length - 1)
      keys.pop()
      const value = values.pop()!
      for (let at = 0; ; ) {
        const left = 2 * at + 1
        if (left >= keys.length) return value
        const low = left + 1 < keys.length && keys[left + 1]! < keys[left]! ? left + 1 : left
        if (keys[low]! >= keys[at]!) return value
        swap(at, low)
        at = low
      }
    },
  }
}
