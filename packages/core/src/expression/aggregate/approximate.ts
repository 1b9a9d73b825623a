/**
 * The approximate number of distinct values: HyperLogLog with 4,096 registers, whose standard error is 1.63 %.
 *
 * Each value is hashed to 52 bits. The first 12 choose a register, which keeps the highest rank (the position of the
 * first 1 in the other 40 bits) among its values. The estimate is Ertl's, which needs no table for the correction of
 * its bias (O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6). Up to 64
 * different hashes are kept as they are, so that small numbers are exact and small groups take little memory. So a
 * state depends on the set of its values only, not on their order or on how states were merged.
 *
 * Decision: docs/decisions/20261202-approximate-counts-by-own-hyperloglog.md
 */
import { comparableOf, isKeyType } from '../../convert/key.ts'
import type { Json } from '../../record/index.ts'
import type { Type } from '../../schema/index.ts'
import type { Accumulator } from './accumulators.ts'

const indexBits = 12
const registerCount = 1 << indexBits
const rankBits = 40
/** So many hashes are kept as they are. */
const mostHashes = 64

interface Sketch {
  /** While there are few. */
  hashes: Set<number> | undefined
  /** By register the highest rank; 0: it has no value. */
  registers: Uint8Array | undefined
}

/** Undefined: values of this type cannot be compared. */
export function approximateDistinct(type: Type): Accumulator<Sketch> | undefined {
  if (!isKeyType(type)) return undefined
  const comparable = comparableOf(type)
  const add = (state: Sketch, hash: number): void => {
    const { hashes } = state
    if (!hashes) return addToRegister(state.registers!, hash)
    hashes.add(hash)
    if (hashes.size <= mostHashes) return
    state.registers = new Uint8Array(registerCount)
    for (const each of hashes) addToRegister(state.registers, each)
    state.hashes = undefined
  }
  return {
    type: { kind: 'integer' },
    empty: () => ({ hashes: new Set(), registers: undefined }),
    add(state, value) {
      // Equal values are one text; 0 and -0 too.
      add(state, hashOf(String(comparable ? comparable(value) : value)))
      return state
    },
    merge(a, b) {
      if (b.hashes) {
        for (const hash of b.hashes) add(a, hash)
        return a
      }
      const from = b.registers!
      const into = (a.registers ??= new Uint8Array(registerCount))
      for (const hash of a.hashes ?? []) addToRegister(into, hash)
      a.hashes = undefined
      for (let i = 0; i < registerCount; i++) if (from[i]! > into[i]!) into[i] = from[i]!
      return a
    },
    result: ({ hashes, registers }) => (hashes ? hashes.size : estimate(registers!)),
    toJson: ({ hashes, registers }) => (hashes ? [...hashes] : printRanks(registers!)),
    fromJson: (json) =>
      typeof json === 'string'
        ? { hashes: undefined, registers: parseRanks(json) }
        : { hashes: new Set(json as readonly number[]), registers: undefined },
  }
}

function addToRegister(registers: Uint8Array, hash: number): void {
  const index = hash % registerCount
  const bits = Math.floor(hash / registerCount)
  // The number of leading zeros among 40 bits, plus 1.
  const high = Math.floor(bits / 0x1_0000_0000)
  const rank = 1 + (high > 0 ? Math.clz32(high) - 24 : 8 + Math.clz32(bits >>> 0))
  if (rank > registers[index]!) registers[index] = rank
}

/** A rank is at most 41: one character each, from `0` to `Y`, none of which JSON has to escape. */
const printRanks = (registers: Uint8Array): string => Buffer.from(registers.map((rank) => rank + 48)).toString('latin1')
const parseRanks = (text: Json & string): Uint8Array => Buffer.from(text, 'latin1').map((code) => code - 48)

function estimate(registers: Uint8Array): number {
  const counts = new Float64Array(rankBits + 2)
  for (const rank of registers) counts[rank]!++
  let z = registerCount * tau(1 - counts[rankBits + 1]! / registerCount)
  for (let k = rankBits; k >= 1; k--) z = 0.5 * (z + counts[k]!)
  z += registerCount * sigma(counts[0]! / registerCount)
  return Math.round(registerCount ** 2 / (2 * Math.LN2 * z))
}

function sigma(given: number): number {
  if (given === 1) return Number.POSITIVE_INFINITY
  let [x, y, z] = [given, 1, given]
  for (let before = Number.NaN; z !== before; ) {
    before = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

function tau(given: number): number {
  if (given === 0 || given === 1) return 0
  let [x, y, z] = [given, 1, 1 - given]
  for (let before = Number.NaN; z !== before; ) {
    before = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}

/**
 * 52 bits of a text's UTF-16 units: two sums of 32 bits, by FNV-1a with different starts and primes, each finished as
 * in MurmurHash3. Saved states depend on it.
 */
function hashOf(text: string): number {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x85ebca6b)
  }
  a = mixed(a ^ Math.imul(b, 0xc2b2ae35))
  b = mixed(b ^ Math.imul(a, 0x27d4eb2f))
  return (a >>> 0) * 0x10_0000 + (b >>> 12)
}

function mixed(given: number): number {
  let h = given
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
