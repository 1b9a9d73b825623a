/** Problems of a generator that its options alone show. */
import type { Problem } from '@millrace/core'
import { badValue, fieldProblems, hintFor, weightProblems } from './check-field.ts'
import { type Generator, generatorOf, referencesOf } from './generator.ts'
import type { Options } from './options.ts'
import { timestampOf } from './time.ts'

/** Everything that is wrong with the options. */
export function checkGenerator(o: Options): readonly Problem[] {
  const shape = shapeProblems(o)
  if (shape.length > 0) return shape
  const generator = generatorOf(o)
  const streams = [...generator.streams].flatMap(([name, fields]) =>
    fields.flatMap((_, i) => fieldProblems(generator, name, fields, i)),
  )
  return [...ownProblems(o, generator), ...turnProblems(o, generator), ...streams, ...circles(generator)]
}

/** One stream or several, and which of them is read. */
function shapeProblems(o: Options): Problem[] {
  if (o.fields && o.streams) return [badValue(['fields'], '`fields` and `streams` cannot be combined')]
  if (!o.fields && !o.streams)
    return [
      {
        code: 'missing_key',
        at: [],
        message: 'either `fields` or `streams` is needed',
        hint: 'fields: { id: uuid, name: { fake: person.fullName } }',
      },
    ]
  const found: Problem[] = []
  if (o.fields && o.turn) found.push(badValue(['turn'], 'without `streams`, a turn is one record'))
  if (o.fields && o.stream !== undefined)
    found.push(badValue(['stream'], 'without `streams`, there is only one stream'))
  const empty = o.fields
    ? Object.keys(o.fields).length === 0 && ['fields']
    : Object.entries(o.streams!).flatMap(([name, fields]) =>
        Object.keys(fields).length === 0 ? ['streams', name] : [],
      )
  if (empty && empty.length > 0) found.push(badValue(empty.slice(0, 2), 'a stream needs a field'))
  if (o.streams && Object.keys(o.streams).length === 0) found.push(badValue(['streams'], 'there is no stream'))
  return found
}

function ownProblems(o: Options, generator: Generator): Problem[] {
  const found: Problem[] = []
  const names = [...generator.streams.keys()]
  if (o.streams && o.stream === undefined && names.length > 1)
    found.push({
      code: 'missing_key',
      at: [],
      message: '`stream` says which of the streams is read',
      hint: `known: ${names.join(', ')}`,
    })
  const fields = generator.streams.get(generator.own)
  if (!fields && o.stream !== undefined)
    found.push(badValue(['stream'], `there is no stream \`${o.stream}\``, hintFor(o.stream, names)))
  if (fields && o.key !== undefined && !fields.some(({ name }) => name === o.key)) {
    const known = fields.map(({ name }) => name)
    found.push({
      code: 'unknown_field',
      at: ['key'],
      message: `there is no field \`${o.key}\``,
      ...hintFor(o.key, known),
    })
  }
  if (o.clock !== 'now' && timestampOf(o.clock) === undefined)
    found.push(
      badValue(['clock'], `\`${o.clock}\` is not a timestamp`, {
        expected: '`now`, or a timestamp like 2026-01-31T12:00:00Z',
      }),
    )
  if (generator.intervalMs === Number.POSITIVE_INFINITY)
    found.push(badValue(['rate'], `\`${o.rate}\` makes nothing`, { expected: 'more than 0' }))
  return found
}

/** Each stream is in exactly one slot of the turn. */
function turnProblems(o: Options, generator: Generator): Problem[] {
  const found: Problem[] = []
  const seen = new Set<string>()
  for (const [i, { streams, weights }] of generator.slots.entries()) {
    const isChoice = typeof o.turn?.[i] === 'object'
    for (const [k, name] of streams.entries()) {
      const at = isChoice ? ['turn', i, 'either', k] : ['turn', i]
      if (!generator.streams.has(name))
        found.push(badValue(at, `there is no stream \`${name}\``, hintFor(name, generator.streams.keys())))
      if (seen.has(name)) found.push(badValue(at, `\`${name}\` is made twice in a turn`))
      seen.add(name)
    }
    found.push(...weightProblems(weights, streams.length, ['turn', i, 'weights']))
    if (weights.includes(0)) found.push(badValue(['turn', i, 'weights'], 'a stream with weight 0 is never made'))
  }
  for (const name of generator.streams.keys())
    if (!seen.has(name) && o.turn)
      found.push(badValue(['turn'], `no turn makes a record of \`${name}\``, { hint: `add it to \`turn\`` }))
  return found
}

/** Streams that refer to each other: none of them ever has a first record. */
function circles(generator: Generator): Problem[] {
  const next = (name: string): readonly string[] => referencesOf(generator.streams.get(name) ?? [])
  for (const [name, fields] of generator.streams) {
    const reached = new Set<string>()
    const queue = next(name).filter((other) => other !== name)
    for (const other of queue) {
      if (reached.has(other)) continue
      reached.add(other)
      queue.push(...next(other))
    }
    if (!reached.has(name)) continue
    const { path } = fields.find(({ made }) => made.of && reached.has(made.of.stream))!
    const message = `\`${name}\` refers to itself through other streams, so there is no first record`
    return [badValue([...path, 'of'], message)]
  }
  return []
}
