/**
 * Which records a turn makes, and which earlier record one refers to. Both are drawn from the number of the turn alone,
 * so nothing is kept of earlier turns: an earlier record is found by drawing turns until one made a record of its
 * stream, which gives each of them the same chance.
 *
 * A record is made only if there is an earlier one of each stream it refers to. Earlier means: in an earlier turn, or
 * in an earlier slot of the same turn. Once there is one, there always is, so the first turn of a stream says it all.
 *
 * Decision: docs/decisions/20261202-turns-are-drawn-by-number.md
 */
import { chosen, createDraws, type DrawKey, sumsOf } from './draws.ts'
import { type Generator, referencesOf } from './generator.ts'

export interface Turns {
  /** Whether the turn makes a record of the stream. */
  isMade(stream: string, turn: number): boolean
  /** How many records of the stream earlier turns have made. */
  numberOf(stream: string, turn: number): number
  /** The turn of the record of `target` that the record of `stream` in this turn refers to. */
  pick(target: string, stream: string, turn: number): number
}

/** Records are counted for so many turns at a time. */
const blockTurns = 64

export function createTurns({ streams, slots }: Generator, keyOf: (what: string) => DrawKey): Turns {
  const draws = createDraws()
  const picking = createDraws()
  const chosenIn = new Map(
    slots.flatMap((slot, at) => {
      const sums = sumsOf(slot.weights)
      const key = keyOf(`either ${slot.streams.join(' ')}`)
      const choose = (turn: number): number => {
        draws.begin(key, turn)
        return chosen(draws, sums)
      }
      return slot.streams.map((stream, i) => {
        const isChosen = slot.streams.length === 1 ? () => true : (turn: number) => choose(turn) === i
        return [stream, { at, isChosen, isAlways: slot.streams.length === 1 }] as const
      })
    }),
  )
  const references = new Map([...streams].map(([name, fields]) => [name, referencesOf(fields)]))
  const firsts = new Map<string, number>()
  const firstOf = (stream: string): number => {
    const known = firsts.get(stream)
    if (known !== undefined) return known
    const { isChosen } = chosenIn.get(stream)!
    let turn = 0
    while (!isChosen(turn) || !hasReferences(stream, turn)) turn++
    firsts.set(stream, turn)
    return turn
  }
  const hasReferences = (stream: string, turn: number): boolean =>
    references.get(stream)!.every((target) => firstOf(target) <= turn - (isBefore(target, stream) ? 0 : 1))
  /** Whether a turn makes the record of `a` before that of `b`. */
  const isBefore = (a: string, b: string): boolean => chosenIn.get(a)!.at < chosenIn.get(b)!.at

  const counts = new Map<string, number[]>()
  const countBelow = (stream: string, turn: number): number => {
    const { isChosen } = chosenIn.get(stream)!
    const first = firstOf(stream)
    let blocks = counts.get(stream)
    if (!blocks) counts.set(stream, (blocks = [0]))
    const count = (from: number, to: number): number => {
      let n = 0
      for (let t = Math.max(from, first); t < to; t++) if (isChosen(t)) n++
      return n
    }
    const block = Math.floor(turn / blockTurns)
    while (blocks.length <= block) {
      const from = (blocks.length - 1) * blockTurns
      blocks.push(blocks.at(-1)! + count(from, from + blockTurns))
    }
    return blocks[block]! + count(block * blockTurns, turn)
  }

  const pickKeys = new Map<string, DrawKey>()
  return {
    isMade: (stream, turn) => turn >= firstOf(stream) && chosenIn.get(stream)!.isChosen(turn),
    numberOf: (stream, turn) => (chosenIn.get(stream)!.isAlways ? turn - firstOf(stream) : countBelow(stream, turn)),
    pick(target, stream, turn) {
      const what = `${stream} of ${target}`
      let key = pickKeys.get(what)
      if (!key) pickKeys.set(what, (key = keyOf(what)))
      picking.begin(key, turn)
      const first = firstOf(target)
      const last = isBefore(target, stream) ? turn : turn - 1
      const { isChosen } = chosenIn.get(target)!
      for (;;) {
        const drawn = first + picking.below(last - first + 1)
        if (isChosen(drawn)) return drawn
      }
    },
  }
}
