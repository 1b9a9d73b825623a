/** Functions whose arguments are not plain values: null guards, values of any one type, and loops over lists. */

import type { Type } from '../../schema/index.ts'
import type { Span, Syntax } from '../read/syntax.ts'
import { extreme } from '../values/list.ts'
import { ordering } from './comparisons.ts'
import { both, factsOf, noFacts, present } from './facts.ts'
import type { KnownFacts } from './known.ts'
import { type Reporter, required, requiredBoolean } from './report.ts'
import { brokenNode, callOf, describe, isBroken, isNothing, type LoopKind, type Node, type Operation } from './typed.ts'
import { coerce, unifyAll } from './unify.ts'

/** What special functions need from the check. */
export interface ExpressionChecking extends Reporter {
  check(syntax: Syntax, scope: Scope): Node
  /** A number for the next loop. */
  nextLoop(): number
}

/** The scope of a part of the expression: the enclosing loops, and what is known not to be null. */
export interface Scope {
  readonly known: KnownFacts
  readonly elements: readonly {
    readonly name: string
    readonly loop: number
    readonly type: Type
    readonly optional: boolean
  }[]
}

const boolean: Type = { kind: 'boolean' }

type Call = Syntax & { op: 'call' }
type Special = (call: Call, scope: Scope, checking: ExpressionChecking) => Node

/** The functions marked `special` in the table. */
export const special: ReadonlyMap<string, Special> = new Map<string, Special>([
  ['has', has],
  ['coalesce', coalesce],
  ['min', (call, scope, checking) => leastOrGreatest('min', call, scope, checking)],
  ['max', (call, scope, checking) => leastOrGreatest('max', call, scope, checking)],
  ...(['all', 'exists', 'exists_one', 'map', 'filter'] as const).map((kind): [string, Special] => [
    kind,
    (call, scope, checking) => loop(kind, call, scope, checking),
  ]),
])

function wrongArguments(call: Call, expected: string, checking: ExpressionChecking, hint?: string): Node {
  checking.report({
    code: 'wrong_arguments',
    message: `${call.name} takes ${expected}`,
    span: [call.start, call.end],
    expected,
    got: String(call.args.length),
    hint,
  })
  return brokenNode([call.start, call.end])
}

function has(call: Call, scope: Scope, checking: ExpressionChecking): Node {
  const [arg] = call.args
  if (call.args.length !== 1 || !arg)
    return wrongArguments(call, '1 argument', checking, 'has(field) or has(field.name)')
  const value = checking.check(arg, scope)
  const span: Span = [call.start, call.end]
  if (isBroken(value.type)) return { ...brokenNode(span), type: boolean }
  if (!['field', 'element', 'member', 'json'].includes(value.op))
    return wrongArguments(
      call,
      'a field or a path of fields',
      checking,
      `${checking.textOf(value.span)} != null tests any value`,
    )
  return { op: 'present', value, type: boolean, optional: false, span, facts: { yes: present(value), no: noFacts.no } }
}

/** The common type, and all values converted to it; undefined after a finding or for a broken part. */
function together(
  nodes: readonly Node[],
  call: Call,
  checking: ExpressionChecking,
): { type: Type; nodes: readonly Node[] } | undefined {
  const type = unifyAll(nodes)
  if (typeof type === 'number') {
    const [a, b] = [describe(nodes[0]!.type), describe(nodes[type]!.type)]
    checking.report({
      code: 'wrong_type',
      message: `${call.name} takes values of one type: ${a} and ${b} are not compatible`,
      span: nodes[type]!.span,
      expected: a,
      got: b,
    })
    return undefined
  }
  return isBroken(type) ? undefined : { type, nodes: nodes.map((node) => coerce(node, type)) }
}

function coalesce(call: Call, scope: Scope, checking: ExpressionChecking): Node {
  const span: Span = [call.start, call.end]
  const given = call.args.map((arg) => checking.check(arg, scope))
  if (given.length < 2) return wrongArguments(call, '2 or more arguments', checking)
  const unified = together(given, call, checking)
  if (!unified) return brokenNode(span)
  const { type, nodes } = unified
  const optional = nodes.every((node) => node.optional)
  const [first, second] = nodes as [Node, Node]
  const isDefault = (value: boolean) => nodes.length === 2 && second.op === 'constant' && second.value === value
  const facts =
    type.kind === 'boolean'
      ? { yes: isDefault(false) ? present(first) : noFacts.yes, no: isDefault(true) ? present(first) : noFacts.no }
      : undefined
  return { op: 'first', items: nodes, type, optional, span, facts }
}

function leastOrGreatest(name: 'min' | 'max', call: Call, scope: Scope, checking: ExpressionChecking): Node {
  const span: Span = [call.start, call.end]
  const given = call.args.map((arg) => required(checking.check(arg, scope), checking))
  if (given.some((node) => isBroken(node.type))) return brokenNode(span)
  const [only] = given
  if (given.length === 1 && only?.type.kind === 'list') return ofList(name, only, span, checking)
  if (given.length < 2)
    return wrongArguments(
      call,
      '2 or more values, or a list',
      checking,
      `over records, ${name}(x) is only available in the outputs of aggregate`,
    )
  const unified = together(given, call, checking)
  if (!unified) return brokenNode(span)
  const before = order(name, unified.type, span, checking)
  if (!before) return brokenNode(span)
  const operation: Operation = {
    name: `${name} ${unified.type.kind}`,
    call: (a: never, b: never) => (before(b, a) ? b : a),
  }
  return unified.nodes.reduce((a, b) => callOf(operation, [a, b], unified.type, span))
}

function ofList(name: 'min' | 'max', list: Node, span: Span, checking: ExpressionChecking): Node {
  const { of } = list.type as Type & { kind: 'list' }
  if (of.optional) {
    const text = checking.textOf(list.span)
    checking.report({
      code: 'maybe_null',
      message: `elements of ${text} may be null`,
      span: list.span,
      hint: `${text}.filter(x, x != null)`,
    })
    return brokenNode(span)
  }
  const before = isNothing(of.type) ? () => false : order(name, of.type, span, checking)
  if (!before) return brokenNode(span)
  const operation: Operation = {
    name: `${name} of list ${of.type.kind}`,
    call: (values: unknown[]) => extreme(name, values, before as (a: unknown, b: unknown) => boolean),
  }
  return callOf(operation, [list], of.type, span)
}

function order(
  name: 'min' | 'max',
  type: Type,
  span: Span,
  checking: ExpressionChecking,
): ((a: never, b: never) => boolean) | undefined {
  const operation = ordering(name === 'min' ? '<' : '>', type)
  if (!operation)
    checking.report({
      code: 'wrong_type',
      message: `values of type ${describe(type)} have no order`,
      span,
      got: describe(type),
    })
  return operation?.call as ((a: never, b: never) => boolean) | undefined
}

/** A map is looped over by its keys. */
const keysOf: Operation = { name: 'keys of map', call: (map: object) => Object.keys(map) }
const texts: Type = { kind: 'list', of: { type: { kind: 'string' }, optional: false } }

function loop(kind: LoopKind, call: Call, scope: Scope, checking: ExpressionChecking): Node {
  const span: Span = [call.start, call.end]
  const [listArg, nameArg, firstArg, secondArg] = call.args
  const most = kind === 'map' ? 4 : 3
  if (!listArg || !nameArg || !firstArg || call.args.length > most || nameArg.op !== 'name')
    return wrongArguments(
      call,
      'a list, a name for its elements, and an expression for each',
      checking,
      `list.${kind}(x, ...)`,
    )
  const given = required(checking.check(listArg, scope), checking)
  if (isBroken(given.type)) return brokenNode(span)
  const list = given.type.kind === 'map' ? callOf(keysOf, [given], texts, given.span) : given
  if (list.type.kind !== 'list') {
    checking.report({
      code: 'wrong_type',
      message: `${kind} loops over a list, or the keys of a map, not over ${describe(list.type)}`,
      span: list.span,
      expected: 'list',
      got: describe(list.type),
    })
    return brokenNode(span)
  }
  const number = checking.nextLoop()
  const inside: Scope = {
    known: scope.known,
    elements: [...scope.elements, { name: nameArg.name, loop: number, ...list.type.of }],
  }
  const known = { span, optional: false }
  if (kind === 'map') {
    const condition = secondArg && requiredBoolean(checking.check(firstArg, inside), checking)
    const value = checking.check(
      secondArg ?? firstArg,
      condition ? { ...inside, known: both(inside.known, factsOf(condition).yes) } : inside,
    )
    if (isBroken(value.type) || (condition && isBroken(condition.type))) return brokenNode(span)
    const from: Node = condition
      ? { op: 'loop', kind: 'filter', loop: number, list, body: condition, type: list.type, ...known }
      : list
    return {
      op: 'loop',
      kind,
      loop: number,
      list: from,
      body: value,
      type: { kind: 'list', of: { type: value.type, optional: value.optional } },
      ...known,
    }
  }
  const body = requiredBoolean(checking.check(firstArg, inside), checking)
  if (isBroken(body.type)) return brokenNode(span)
  const { yes } = factsOf(body)
  const isProven = yes === 'never' || yes.has(`loop\0${number}`)
  const type: Type =
    kind === 'filter'
      ? { kind: 'list', of: { ...list.type.of, optional: list.type.of.optional && !isProven } }
      : boolean
  return { op: 'loop', kind, loop: number, list, body, type, ...known }
}
