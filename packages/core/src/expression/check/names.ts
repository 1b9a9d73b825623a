/** Names, and access into values: fields, loop elements, members of objects, keys of JSON values, list elements. */
import { closest } from '../../errors/closest.ts'
import { fieldOf, type RecordType, type Type } from '../../schema/index.ts'
import { functionNamed } from '../functions/index.ts'
import { quotedName } from '../read/quoted-name.ts'
import type { Span } from '../read/syntax.ts'
import { pathOf } from './facts.ts'
import { type Reporter, required } from './report.ts'
import type { Scope } from './special.ts'
import { brokenNode, describe, isBroken, type Node } from './typed.ts'

/** What name resolution needs from the check. */
export interface Naming extends Reporter {
  /** The record whose fields may be used. */
  readonly input: RecordType
  /** The fields used so far. */
  readonly used: Set<string>
}

/** Words from other languages for things that have no name here. */
const otherWords: ReadonlyMap<string, string> = new Map([
  ...['True', 'TRUE', 'yes'].map((word) => [word, 'true'] as const),
  ...['False', 'FALSE', 'no'].map((word) => [word, 'false'] as const),
  ...['None', 'NULL', 'Null', 'nil', 'undefined'].map((word) => [word, 'null'] as const),
])

/** Not null if a guard says so. */
function narrowed(node: Node, scope: Scope): Node {
  if (!node.optional) return node
  const path = pathOf(node)
  return path && (scope.known === 'never' || scope.known.has(path)) ? { ...node, optional: false } : node
}

/** A field of the record, or the element of an enclosing loop. */
export function nameNode(name: string, span: Span, scope: Scope, naming: Naming): Node {
  const element = scope.elements.findLast((element) => element.name === name)
  if (element)
    return narrowed({ op: 'element', loop: element.loop, type: element.type, optional: element.optional, span }, scope)
  const field = fieldOf(naming.input, name)
  if (!field) return unknownField(name, Object.keys(naming.input.fields), scope, span, naming)
  naming.used.add(name)
  return narrowed({ op: 'field', name, ...field, span }, scope)
}

/** The finding for an unknown name. `scope`: it is not part of a path, and may have been meant as something else. */
function unknownField(
  name: string,
  fields: readonly string[],
  scope: Scope | undefined,
  span: Span,
  reporter: Reporter,
): Node {
  const near = closest(name, [...fields, ...(scope?.elements.map((element) => element.name) ?? [])])
  const list =
    fields.length <= 12 ? fields.join(', ') : `${fields.slice(0, 11).join(', ')} and ${fields.length - 11} more`
  const word = otherWords.get(name)
  const dotted = fields.find((field) => field.startsWith(`${name}.`))
  const hint = word
    ? `write ${word}`
    : dotted !== undefined
      ? `${quotedName(dotted)} is a field: write its name between backticks`
      : near !== undefined
        ? `did you mean ${quotedName(near)}?`
        : scope && functionNamed(name)
          ? `${name} is a function: ${name}(...)`
          : fields.length
            ? `the fields are ${list}${scope ? '; text is written in quotes' : ''}`
            : 'there are no fields here'
  reporter.report({ code: 'unknown_field', message: `there is no field ${quotedName(name)}`, span, hint })
  return brokenNode(span)
}

/** The type of what is under a key. */
const valueType = (type: Type): Type => (type.kind === 'map' ? type.of.type : type)

/** `object.name`, `map.name`; null if the object is null, or the map has no such key. */
export function memberNode(object: Node, name: string, nameAt: Span, span: Span, scope: Scope, naming: Naming): Node {
  if (isBroken(object.type)) return brokenNode(span)
  if (object.type.kind === 'json' || object.type.kind === 'map') {
    const key: Node = { op: 'constant', value: name, type: { kind: 'string' }, optional: false, span: nameAt }
    return narrowed({ op: 'json', value: object, key, type: valueType(object.type), optional: true, span }, scope)
  }
  if (object.type.kind !== 'object') {
    const whole = `${naming.textOf(object.span)}.${name}`
    const hint = fieldOf(naming.input, whole)
      ? `\`${whole}\` is a field`
      : functionNamed(name)
        ? `${name} is a function: ${naming.textOf(object.span)}.${name}()`
        : undefined
    naming.report({
      code: 'wrong_type',
      message: `${naming.textOf(object.span)} is ${describe(object.type)} and has no fields`,
      span: nameAt,
      expected: 'object',
      got: describe(object.type),
      hint,
    })
    return brokenNode(span)
  }
  const field = fieldOf(object.type.record, name)
  if (!field) return { ...unknownField(name, Object.keys(object.type.record.fields), undefined, nameAt, naming), span }
  return narrowed(
    { op: 'member', object, name, type: field.type, optional: field.optional || object.optional, span },
    scope,
  )
}

/** `list[0]`, `map["name"]`, `json["name"]`, `object["name"]`. */
export function indexNode(object: Node, index: Node, span: Span, scope: Scope, naming: Naming): Node {
  if (isBroken(object.type) || isBroken(index.type)) return brokenNode(span)
  const { type } = object
  if (type.kind === 'object' && index.op === 'constant' && typeof index.value === 'string')
    return memberNode(object, index.value, index.span, span, scope, naming)
  const key = required(index, naming)
  if (isBroken(key.type)) return brokenNode(span)
  if (type.kind === 'json' && (key.type.kind === 'string' || key.type.kind === 'integer'))
    return narrowed({ op: 'json', value: object, key, type, optional: true, span }, scope)
  if (type.kind === 'map' && key.type.kind === 'string')
    return narrowed({ op: 'json', value: object, key, type: type.of.type, optional: true, span }, scope)
  if (type.kind === 'list' && key.type.kind === 'integer')
    return narrowed({ op: 'item', list: required(object, naming), index: key, ...type.of, span }, scope)
  const expected =
    type.kind === 'json'
      ? 'string or integer'
      : type.kind === 'list'
        ? 'integer'
        : type.kind === 'map'
          ? 'string'
          : type.kind === 'object'
            ? 'a name in quotes'
            : undefined
  const problem = expected
    ? {
        message: `an index into ${describe(type)} is ${expected}, not ${describe(key.type)}`,
        span: key.span,
        expected,
        got: describe(key.type),
      }
    : {
        message: `${naming.textOf(object.span)} is ${describe(type)} and has no elements`,
        span: object.span,
        expected: 'list, map, object or json',
        got: describe(type),
      }
  naming.report({ code: 'wrong_type', ...problem })
  return brokenNode(span)
}
