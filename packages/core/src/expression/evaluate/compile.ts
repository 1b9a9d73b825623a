/**
 * Compiles an expression to JavaScript: one function of a row, made by `generate`, in which fields are plain property
 * reads and the engine sees one type at each place. Names and texts enter through `quote`, whole numbers literally, and
 * everything else (functions, other constants, sets) as a value in scope. Null and absent are the same: a value that
 * may be absent is read with `?? null`, so that only null has to be compared. Names that every object inherits, such as
 * `constructor`, are read as own properties if the field may be absent.
 */
import { generate, propertyKey, quote } from '../../codegen.ts'
import type { Row } from '../../record/index.ts'
import { DataError } from '../../errors/index.ts'
import type { Node } from '../check/typed.ts'
import { beginEvaluation, maxText, spend, weighed } from '../values/cost.ts'
import { equalDeep, isInDeep, ownProperty } from '../values/equal.ts'
import { jsonAt } from '../values/json.ts'
import { isIn, itemAt, onlyOne } from '../values/list.ts'
import { interpret } from './interpret.ts'
import { hasLoops, isDecidable, mayFail, mayGrow } from './shape.ts'

/** Lists of constants from this length on are looked up in a set. */
const longList = 5

/** The function of a row. It throws `DataError`. */
export const compile = (node: Node): ((row: Row) => unknown) => generated((named) => `return ${written(node, named)}`)

/**
 * The code of that function. A failure leaves the fast path: a conjunct that fails does not matter if another one is
 * false, which the interpreter finds out.
 */
function written(node: Node, named: NamedConstant): string {
  const code = write(node, named)
  if (!mayFail(node)) return `(r) => ${code}`
  const begin = hasLoops(node) ? `${named(beginEvaluation)}()` : ''
  return `(r) => { ${begin}
  try { return ${code} } catch (error) { return ${named(afterFailure(node))}(error, r) } }`
}

/** Evaluates the expression after its fast path has failed. */
function afterFailure(node: Node): (error: unknown, row: Row) => unknown {
  const again = isDecidable(node) ? interpret(node) : undefined
  return (error, row) => {
    if (error instanceof RangeError)
      throw new DataError('out_of_range', `a text or list becomes longer than ${maxText} characters or elements`)
    if (!again || !(error instanceof DataError) || error.code === 'too_costly') throw error
    return again(row)
  }
}

/** Its value as code over the row `r`, inside other code. */
export const inlined = (node: Node, named: NamedConstant): string =>
  mayFail(node) ? `${named(compile(node))}(r)` : write(node, named)

/** Puts a value into scope and returns its name. */
export type NamedConstant = (value: unknown) => string

/** Runs the code that `body` makes, with the values that it put into scope. */
export function generated<T>(body: (named: NamedConstant) => string): T {
  const scope = new Map<unknown, string>()
  const code = body((value) => {
    let name = scope.get(value)
    if (!name) scope.set(value, (name = `k${scope.size}`))
    return name
  })
  return generate<T>(Object.fromEntries([...scope].map(([value, name]) => [name, value])), code)
}

/** A node as code over the row `r`. `depth`: how many loops it is in. */
function write(node: Node, named: NamedConstant, depth = 0): string {
  const code = (child: Node): string => write(child, named, depth)
  switch (node.op) {
    case 'constant':
      return constant(node.value, named)
    case 'field':
      return read('r', node.name, node.optional, false, named)
    case 'element':
      return node.optional ? `(v${node.loop} ?? null)` : `v${node.loop}`
    case 'member':
      return read(code(node.object), node.name, node.optional, node.object.optional, named)
    case 'item':
      return `${named(itemAt)}(${code(node.list)}, ${code(node.index)})`
    case 'json':
      return `${named(jsonAt)}(${code(node.value)}, ${code(node.key)})`
    case 'list':
      return `[${node.items.map(code).join(', ')}]`
    case 'object':
      return `({ ${node.names.map((name, i) => `${propertyKey(name)}: ${code(node.values[i]!)}`).join(', ')} })`
    case 'and':
    case 'or':
      return `(${node.items.map(code).join(node.op === 'and' ? ' && ' : ' || ')})`
    case 'not':
      return `!${code(node.value)}`
    case 'present':
      return `(${code(node.value)} != null)`
    case 'equal': {
      const [left, right] = [code(node.left), code(node.right)]
      if (node.deep) return `${node.negated ? '!' : ''}${named(equalDeep)}(${left}, ${right})`
      return `(${left} ${node.negated ? '!==' : '==='} ${right})`
    }
    case 'in':
      return membership(node, code, named)
    case 'choose':
      return `(${code(node.condition)} ? ${code(node.yes)} : ${code(node.no)})`
    case 'first':
      return `(${node.items.map(code).join(' ?? ')})`
    case 'call': {
      const args = node.args.map(code)
      const { operation } = node
      if (node.nullable) return `${named(nullSafe(operation.call))}(${args.join(', ')})`
      return operation.inline ? operation.inline(...args) : `${named(operation.call)}(${args.join(', ')})`
    }
    case 'loop': {
      const visit = depth > 0 ? `${named(spend)}(1), ` : ''
      const body = `(v${node.loop}) => (${visit}${write(node.body, named, depth + 1)})`
      const list = code(node.list)
      if (node.kind === 'exists_one') return `${named(onlyOne)}(${list}, ${body})`
      const made = `${list}.${{ all: 'every', exists: 'some', map: 'map', filter: 'filter' }[node.kind]}(${body})`
      return node.kind === 'map' && mayGrow(node.body.type) ? `${named(weighed)}(${made})` : made
    }
  }
}

function constant(value: unknown, named: NamedConstant): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (Object.is(value, -0)) return '(-0)' // -0 as a key of the scope would be 0
  if (Number.isSafeInteger(value)) return (value as number) < 0 ? `(${value})` : String(value)
  return named(value)
}

/** A property of an object; `maybeNull`: the object may be null. */
function read(object: string, name: string, optional: boolean, maybeNull: boolean, named: NamedConstant): string {
  if (!optional) return `${object}[${quote(name)}]`
  if (name in Object.prototype) return `${named(ownProperty)}(${object}, ${quote(name)})`
  return `(${object}${maybeNull ? '?.' : ''}[${quote(name)}] ?? null)`
}

function membership(node: Node & { op: 'in' }, code: (node: Node) => string, named: NamedConstant): string {
  const { list } = node
  const constants =
    list.op === 'list' && list.items.every((item) => item.op === 'constant')
      ? list.items.map((item) => (item as Node & { op: 'constant' }).value)
      : undefined
  if (constants && !node.deep)
    return constants.length < longList
      ? `${named(constants)}.includes(${code(node.value)})`
      : `${named(new Set(constants))}.has(${code(node.value)})`
  // The value comes first, since it fails first.
  return `${named(node.deep ? isInDeep : isIn)}(${code(node.value)}, ${code(list)})`
}

type AnyCall = (...args: unknown[]) => unknown

/** The same for a first argument that may be null. */
function nullSafe(call: (...args: never[]) => unknown): AnyCall {
  const plain = call as unknown as AnyCall
  return (first, ...rest) => (first === null ? null : plain(first, ...rest))
}
