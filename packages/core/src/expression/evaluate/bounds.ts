/**
 * What a condition demands of single fields: the part that the least and the greatest value of many records can rule
 * out, without a look at the records.
 */
import { DataError } from '../../errors/index.ts'
import type { Type } from '../../schema/index.ts'
import { ordering } from '../check/comparisons.ts'
import { callOf, type Node, type Operation, type Ordering } from '../check/typed.ts'
import { conjuncts } from './equalities.ts'
import { interpret } from './interpret.ts'

/** The least and the greatest value that a field has in some records, in its in-memory form; null: it has none. */
export type ValueRange = { readonly least: unknown; readonly most: unknown } | null

/** One of the conditions that `&&` joins, if it compares a field with constants. */
export interface FieldBound {
  readonly field: string
  /** Whether the condition is true for no value between these, and not for null. */
  excludes(range: ValueRange): boolean
}

/** The bounds that a condition sets: for a record that is outside of one of them it is not true. */
export function boundsOf(node: Node): FieldBound[] {
  return conjuncts(node).flatMap((part): FieldBound[] => {
    const found = part.op === 'present' ? presence(part.value) : compared(part)
    return found ? [found] : []
  })
}

const presence = (value: Node): FieldBound | undefined =>
  value.op === 'field' ? { field: value.name, excludes: (range) => range === null } : undefined

/** A comparison with a constant, or with each of a list of them. */
function compared(part: Node): FieldBound | undefined {
  if (part.op === 'call' && part.operation.order) return ordered(part, part.operation.order, part.args)
  if (part.op === 'equal' && !part.negated && !part.deep)
    return isConstant(part.left) ? equalTo(part.right, [part.left]) : equalTo(part.left, [part.right])
  return part.op === 'in' && !part.deep && part.list.op === 'list' ? equalTo(part.value, part.list.items) : undefined
}

/** `field < constant` is false for a range if it is false for its least value. */
function ordered(part: Node, order: Ordering, [left, right]: readonly Node[]): FieldBound | undefined {
  const isFlipped = isConstant(left!)
  const field = fieldIn(isFlipped ? right! : left!)
  if (field === undefined || !isConstant(isFlipped ? left! : right!)) return undefined
  const isFalseFor = falseFor(part, field)
  const isLower = order.startsWith('<') !== isFlipped
  return { field, excludes: (range) => range === null || isFalseFor(isLower ? range.least : range.most) }
}

/** Equality is false for a range if each constant is below or above it. */
function equalTo(value: Node, constants: readonly Node[]): FieldBound | undefined {
  const field = fieldIn(value)
  const [atMost, atLeast] = [ordering('<=', value.type), ordering('>=', value.type)]
  if (field === undefined || !atMost || !atLeast || !constants.every(isConstant)) return undefined
  const tests = constants.map((constant) => {
    const test = (operation: Operation) => falseFor(callOf(operation, [value, constant], boolean, value.span), field)
    return [test(atMost), test(atLeast)] as const
  })
  return {
    field,
    excludes: (range) => range === null || tests.every(([above, below]) => above(range.least) || below(range.most)),
  }
}

const boolean: Type = { kind: 'boolean' }

const isConstant = (node: Node): boolean => node.op === 'constant' && node.value !== null && node.value !== undefined

/** The field whose value, or a conversion of it that keeps the order, is compared. */
function fieldIn(node: Node): string | undefined {
  if (node.op === 'field') return node.name
  return node.op === 'call' && node.operation.monotone && node.args.length === 1 ? fieldIn(node.args[0]!) : undefined
}

/** Tests whether a condition is false for a value of its field. An error is not. */
function falseFor(condition: Node, field: string): (value: unknown) => boolean {
  const evaluate = interpret(condition)
  return (value) => {
    try {
      return evaluate({ [field]: value }) === false
    } catch (error) {
      if (error instanceof DataError) return false
      throw error
    }
  }
}
