/**
 * A generator as its options describe it: streams, their fields, and the slots of a turn. The parse is lenient: what
 * the check reports is left out.
 */
import type { FieldOption, FullField, Options } from './options.ts'

/** The name of the stream of a generator that has only one. */
export const onlyStream = 'records'

/** What a word stands for. */
const defaults: Readonly<Record<Exclude<FieldOption, FullField>, FullField>> = {
  uuid: { uuid: {} },
  boolean: { boolean: { share: 0.5 } },
  sequence: { sequence: { from: 1 } },
} as never

/** One record of a turn: of which stream, and how often of each if there are several. */
export interface Slot {
  readonly streams: readonly string[]
  readonly weights: readonly number[]
}

/** A field of a stream; `path`: where it is in the options. */
export interface StreamField {
  readonly name: string
  readonly made: FullField
  readonly path: readonly string[]
}

/** A generator of all its streams. */
export interface Generator {
  readonly streams: ReadonlyMap<string, readonly StreamField[]>
  readonly slots: readonly Slot[]
  /** The stream that this source reads. */
  readonly own: string
  /** The time between two turns. */
  readonly intervalMs: number
}

export function generatorOf(o: Options): Generator {
  const streams = new Map(
    o.fields
      ? // A generator of one stream has nothing to refer to.
        [[onlyStream, fieldsOf(o.fields as Readonly<Record<string, FieldOption>>, ['fields'])] as const]
      : Object.entries(o.streams ?? {}).map(([name, fields]) => [name, fieldsOf(fields, ['streams', name])] as const),
  )
  const names = [...streams.keys()]
  const turn = o.fields ? names : (o.turn ?? names)
  return {
    streams,
    slots: turn.map((slot) =>
      typeof slot === 'string'
        ? { streams: [slot], weights: [1] }
        : { streams: slot.either, weights: slot.weights ?? slot.either.map(() => 1) },
    ),
    own: o.stream ?? names[0] ?? onlyStream,
    intervalMs: o.rate === undefined ? 0 : intervalOf(o.rate),
  }
}

const fieldsOf = (fields: Readonly<Record<string, FieldOption>>, path: readonly string[]): StreamField[] =>
  Object.entries(fields).map(([name, made]) => ({
    name,
    made: typeof made === 'string' ? defaults[made] : made,
    path: [...path, name],
  }))

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

/** `100/s` as the ms between two turns. */
const intervalOf = (rate: string): number => {
  const [count, unit] = rate.split('/')
  return units[unit!.trim()]! / Number(count)
}

/** The streams that the records of a stream refer to. */
export const referencesOf = (fields: readonly StreamField[]): readonly string[] => [
  ...new Set(fields.flatMap(({ made }) => (made.of ? [made.of.stream] : []))),
]

/** The kinds of generators, as keys of a field's options. */
export const kinds = [
  'fake',
  'uuid',
  'sequence',
  'boolean',
  'integer',
  'number',
  'one_of',
  'time',
  'date',
  'of',
  'value',
] as const

/** The kind of a field; undefined: it has none, or several. */
export function kindOf(made: FullField): (typeof kinds)[number] | undefined {
  const found = kinds.filter((kind) => made[kind] !== undefined)
  return found.length === 1 ? found[0] : undefined
}
