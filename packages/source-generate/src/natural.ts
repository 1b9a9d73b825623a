/**
 * The natural type of each field: what its generator makes before the schema of a source is applied. Conditions see
 * these types, so that a stream is the same for every source that reads it or refers to it.
 */
import type { Field, RecordType, Type } from '@millrace/core'
import { fakerMethods } from './faker-methods.ts'
import { type Generator, kindOf, type StreamField } from './generator.ts'
import type { FullField } from './options.ts'

/** The types of the fields of a stream; those that cannot be told are left out. */
export const naturalRecord = (generator: Generator, fields: readonly StreamField[]): RecordType => ({
  fields: Object.fromEntries(
    fields.flatMap(({ name, made }) => {
      const type = naturalField(generator, made)
      return type ? [[name, type] as const] : []
    }),
  ),
})

/** The type of a field; undefined: what it says is wrong, or refers to itself. */
export function naturalField(generator: Generator, made: FullField, depth = 0): Field | undefined {
  const field = unconditional(generator, made, depth)
  if (!field || made.when === undefined) return field
  return joined(field, ofValue(made.else ?? null))
}

function unconditional(generator: Generator, made: FullField, depth: number): Field | undefined {
  const kind = kindOf(made)
  switch (kind) {
    case 'fake': {
      const fake = fakerMethods.get(made.fake!)
      return fake && required({ kind: fake })
    }
    case 'uuid':
      return required({ kind: 'string' })
    case 'sequence':
      return required({ kind: 'integer' })
    case 'time':
      return required({ kind: 'timestamp' })
    case 'boolean':
    case 'integer':
    case 'number':
    case 'date':
      return required({ kind })
    case 'one_of':
      return made.one_of!.map(ofValue).reduce(joined)
    case 'value':
      return ofValue(made.value)
    case 'of': {
      const { stream, field } = made.of!
      const target = generator.streams.get(stream)?.find(({ name }) => name === field)
      return target && depth < generator.streams.size ? naturalField(generator, target.made, depth + 1) : undefined
    }
    case undefined:
      return undefined
  }
}

const required = (type: Type): Field => ({ type, optional: false })

/** The type of a constant. */
export function ofValue(value: unknown): Field {
  if (value === null) return { type: { kind: 'json' }, optional: true }
  if (typeof value === 'string' || typeof value === 'boolean') return required({ kind: typeof value as 'string' })
  if (typeof value === 'number') return required({ kind: Number.isSafeInteger(value) ? 'integer' : 'number' })
  return required({ kind: 'json' })
}

/** A type that holds the values of both; null has none of its own. */
function joined(a: Field, b: Field): Field {
  const optional = a.optional || b.optional
  if (isNull(a)) return { type: b.type, optional }
  if (isNull(b) || a.type.kind === b.type.kind) return { type: a.type, optional }
  const numbers = ['integer', 'number']
  const isNumber = numbers.includes(a.type.kind) && numbers.includes(b.type.kind)
  return { type: { kind: isNumber ? 'number' : 'json' }, optional }
}

const isNull = ({ type, optional }: Field): boolean => optional && type.kind === 'json'
