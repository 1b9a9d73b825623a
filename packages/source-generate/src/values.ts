/** Makes the records of all streams of a generator, each from the number of its turn alone. */
import { compileExpression, type Row } from '@millrace/core'
import { chosen, createDraws, type Draws, drawKey, sumsOf, uuid } from './draws.ts'
import { type Fakes, loadFakes } from './faker.ts'
import { type Generator, kindOf, type StreamField } from './generator.ts'
import { naturalRecord } from './natural.ts'
import type { FullField } from './options.ts'
import { dayOf, dayText, inYears, relativeTime } from './time.ts'
import { createTurns, type Turns } from './turns.ts'

/** A value for the record of a turn, in the in-memory form of its natural type. */
type Make = (turn: number) => unknown

/** The records of a stream. */
export interface StreamMaker {
  /** The record of a turn that makes one. */
  recordAt(turn: number): Row
  /** One field of that record. */
  valueAt(turn: number, field: string): unknown
}

/** Makes records, as the seed and the time of the first turn determine. */
export interface Maker {
  readonly turns: Turns
  of(stream: string): StreamMaker
}

interface Context {
  readonly draws: Draws
  readonly turns: Turns
  readonly fakes: Fakes | undefined
  clockAt(turn: number): number
  of(stream: string): StreamMaker
}

/** Loads Faker if a field needs it. */
export async function createMaker(generator: Generator, seed: number, startMs: number): Promise<Maker> {
  const keyOf = (what: string) => drawKey(`${seed}/${startMs}/${what}`)
  const draws = createDraws()
  const clockAt = (turn: number): number => inYears(startMs + Math.floor(turn * generator.intervalMs))
  const needsFaker = [...generator.streams.values()].some((all) => all.some(({ made }) => made.fake !== undefined))
  const fakes = needsFaker ? await loadFakes(draws) : undefined
  const turns = createTurns(generator, keyOf)
  const makers = new Map<string, StreamMaker>()
  const context: Context = {
    draws,
    turns,
    fakes,
    clockAt,
    of(name) {
      let maker = makers.get(name)
      if (!maker) {
        const fields = generator.streams.get(name)!.map((field) => {
          const key = keyOf(`${name}.${field.name}`)
          const make = valueOf(name, field.made, context)
          return {
            ...field,
            make: (turn: number) => {
              draws.begin(key, turn)
              return make(turn)
            },
          }
        })
        makers.set(name, (maker = streamMaker(generator, fields)))
      }
      return maker
    },
  }
  return { turns, of: context.of }
}

function streamMaker(generator: Generator, fields: readonly (StreamField & { make: Make })[]): StreamMaker {
  const columns = fields.map(({ name, made, make }, i) => {
    if (made.when === undefined) return { name, make: (turn: number, _row: Row) => make(turn) }
    const condition = compileExpression(made.when, naturalRecord(generator, fields.slice(0, i)))
    const isMet = condition.ok ? condition.evaluate : () => false
    const otherwise = made.else ?? null
    return { name, make: (turn: number, row: Row) => (isMet(row) === true ? make(turn) : otherwise) }
  })
  const recordAt = (turn: number): Row => {
    const row: Row = {}
    for (const { name, make } of columns) row[name] = make(turn, row)
    return row
  }
  const alone = new Map(fields.filter(({ made }) => made.when === undefined).map(({ name, make }) => [name, make]))
  return {
    recordAt,
    valueAt: (turn, field) => {
      const make = alone.get(field)
      return make ? make(turn) : recordAt(turn)[field]
    },
  }
}

function valueOf(stream: string, made: FullField, { draws, turns, fakes, clockAt, of }: Context): Make {
  const within = (from: number, to: number): number => from + draws.below(to - from + 1)
  switch (kindOf(made)!) {
    case 'fake': {
      const fake = fakes!(made.fake!, made.with)
      return (turn) => fake(clockAt(turn))
    }
    case 'uuid':
      return () => uuid(draws)
    case 'sequence':
      return (turn) => made.sequence!.from + turns.numberOf(stream, turn)
    case 'boolean':
      return () => draws.fraction() < made.boolean!.share
    case 'integer':
      return () => within(made.integer!.from, made.integer!.to)
    case 'number': {
      const { first, last, unit } = stepsOf(made.number!)
      return () => within(first, last) / unit
    }
    case 'one_of': {
      const values = made.one_of!
      const sums = sumsOf(made.weights ?? values.map(() => 1))
      return () => values[chosen(draws, sums)]
    }
    case 'time':
    case 'date': {
      const { from, to } = (made.time ?? made.date)!
      const [first, last] = [relativeTime(from)!, relativeTime(to)!]
      // The year may begin after `to`: then all times are the same.
      const between = (turn: number, unit: (ms: number) => number): number => {
        const clockMs = clockAt(turn)
        const end = unit(last.at(clockMs))
        return within(Math.min(unit(first.at(clockMs)), end), end)
      }
      return made.time ? (turn) => between(turn, Math.floor) : (turn) => dayText(between(turn, dayOf))
    }
    case 'of': {
      const target = made.of!
      return (turn) => of(target.stream).valueAt(turns.pick(target.stream, stream, turn), target.field)
    }
    case 'value':
      return () => made.value
  }
}

/** A range of numbers as whole steps of the last digit, so that every value has exactly these digits. */
export function stepsOf({ from, to, digits }: NonNullable<FullField['number']>) {
  const unit = 10 ** digits
  // Without the last bits of the product: 0.1 * 3 digits is 100, not a little more.
  const exact = (x: number) => Number((x * unit).toPrecision(15))
  return { first: Math.ceil(exact(from)), last: Math.floor(exact(to)), unit }
}
