/** Seeded random choices. */
import { mulberry32 } from '../../src/retail.ts'

export class Random {
  readonly next: () => number

  constructor(...seeds: readonly number[]) {
    let hash = 0x811c9dc5
    for (const seed of seeds) hash = Math.imul(hash ^ seed, 0x01000193) ^ (hash >>> 15)
    this.next = mulberry32(hash >>> 0)
    // Neighbouring seeds yield similar first numbers.
    for (let i = 0; i < 5; i++) this.next()
  }

  /** A whole number, both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(p: number): boolean {
    return this.next() < p
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!
  }

  /** Some of these, in their order; at least `least`. */
  some<T>(from: readonly T[], least: number, most: number): T[] {
    const wanted = Math.min(from.length, this.int(least, most))
    const left = from.map((_, i) => i)
    while (left.length > wanted) left.splice(Math.floor(this.next() * left.length), 1)
    return left.map((i) => from[i]!)
  }

  /** One of these by its weight. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.next() * from.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of from) {
      at -= weight
      if (at < 0) return value
    }
    return from.at(-1)![1]
  }
}
