/**
 * The type check: from the syntax tree to the typed tree, with all problems of an expression in one pass. A part with a
 * problem is `broken`, and nothing that uses it is reported again. Null guards narrow: in what follows `x != null &&`,
 * x is known not to be null (facts.ts).
 *
 * One file, since the check of each node calls the others.
 */
import { closest } from '../../errors/closest.ts'
import { DataError } from '../../errors/index.ts'
import { fieldOf, isNested, type RecordType, type Type } from '../../schema/index.ts'
import { aggregateNames } from '../aggregate/functions.ts'
import { functionNamed, functionNames, missingNames, notRepeatable, otherNames } from '../functions/index.ts'
import type { ExpressionProblem } from '../read/problem.ts'
import type { Span, Syntax } from '../read/syntax.ts'
import { callNode } from './calls.ts'
import { equalNode, inNode, orderNode } from './comparisons.ts'
import { both, either, factsOf, noFacts } from './facts.ts'
import { indexNode, memberNode, type Naming, nameNode } from './names.ts'
import { arithmeticNode, logicNode, negateNode } from './operators.ts'
import { requiredBoolean } from './report.ts'
import { type ExpressionChecking, type Scope, special } from './special.ts'
import { brokenNode, describe, isBroken, isNothing, type Node, nothing } from './typed.ts'
import { coerce, unifyAll, unifyNodes } from './unify.ts'

export interface CheckedExpression {
  readonly node: Node
  /** In the order of the text. */
  readonly problems: readonly ExpressionProblem[]
  /** The fields that are read, in the order of their first mention. */
  readonly fields: readonly string[]
}

/** Characters or elements of a constant. */
const maxConstant = 1 << 20

const boolean: Type = { kind: 'boolean' }

/** Checks a tree against the fields of a record. */
export function check(syntax: Syntax, text: string, input: RecordType): CheckedExpression {
  const checker = new Checker(text, input)
  const node = checker.check(syntax, { known: new Set(), elements: [] })
  if (checker.problems.length === 0) checker.checkResult(node)
  return { node, problems: checker.problems.toSorted((a, b) => a.span[0] - b.span[0]), fields: [...checker.used] }
}

class Checker implements ExpressionChecking, Naming {
  readonly problems: ExpressionProblem[] = []
  readonly used = new Set<string>()
  private readonly text: string
  readonly input: RecordType
  private loops = 0
  /** Number literals that are not converted to a double. */
  private readonly exactly = new Set<Syntax>()

  constructor(text: string, input: RecordType) {
    this.text = text
    this.input = input
  }

  report(problem: ExpressionProblem): void {
    this.problems.push(problem)
  }

  textOf(span: Span): string {
    const text = this.text.slice(...span)
    return text.length <= 60 ? text : `${text.slice(0, 57)}...`
  }

  nextLoop(): number {
    return this.loops++
  }

  /** A result must have a type: null alone and the elements of [] have none. */
  checkResult(node: Node): void {
    const lacks = (type: Type): boolean =>
      isNothing(type) ||
      (isNested(type) && lacks(type.of.type)) ||
      (type.kind === 'object' && Object.values(type.record.fields).some((field) => lacks(field.type)))
    if (!lacks(node.type)) return
    this.report({
      code: 'wrong_type',
      message: `the type of ${this.textOf(node.span)} is unknown`,
      span: node.span,
      got: describe(node.type),
      hint: 'null and [] need a value next to them that determines their type',
    })
  }

  check(syntax: Syntax, scope: Scope): Node {
    const span: Span = [syntax.start, syntax.end]
    switch (syntax.op) {
      case 'text':
        return { op: 'constant', value: syntax.value, type: { kind: 'string' }, optional: false, span }
      case 'bytes':
        return { op: 'constant', value: syntax.value, type: { kind: 'bytes' }, optional: false, span }
      case 'null':
        return { op: 'constant', value: null, type: nothing, optional: true, span }
      case 'boolean':
        return {
          op: 'constant',
          value: syntax.value,
          type: boolean,
          optional: false,
          span,
          facts: syntax.value ? { yes: noFacts.yes, no: 'never' } : { yes: 'never', no: noFacts.no },
        }
      case 'integer':
        return this.integer(syntax.value, span)
      case 'number':
        this.checkWhole(syntax, span)
        return {
          op: 'constant',
          value: syntax.value,
          exact: { digits: syntax.digits, scale: syntax.scale },
          type: { kind: 'number' },
          optional: false,
          span,
        }
      case 'name':
        return nameNode(syntax.name, span, scope, this)
      case 'member':
        return memberNode(this.check(syntax.object, scope), syntax.name, syntax.nameAt, span, scope, this)
      case 'index':
        return indexNode(this.check(syntax.object, scope), this.check(syntax.index, scope), span, scope, this)
      case 'call':
        return this.call(syntax, scope)
      case 'negate':
        return this.negate(syntax.value, span, scope)
      case 'not': {
        const value = requiredBoolean(this.check(syntax.value, scope), this)
        const { yes, no } = factsOf(value)
        return isBroken(value.type)
          ? brokenBoolean(span)
          : { op: 'not', value, type: boolean, optional: false, span, facts: { yes: no, no: yes } }
      }
      case 'and':
      case 'or':
        return this.logic(syntax.op, syntax.items, span, scope)
      case 'choose':
        return this.choose(syntax, scope)
      case 'list':
        return this.list(syntax.items, span, scope)
      case 'map':
        return this.map(syntax.entries, span, scope)
      case 'binary': {
        const left = this.check(syntax.left, scope)
        const right = this.check(syntax.right, scope)
        const { operator } = syntax
        if (operator === '==' || operator === '!=') return equalNode(operator === '!=', left, right, span, this)
        if (operator === 'in') return inNode(left, right, span, this)
        if (operator === '<' || operator === '<=' || operator === '>' || operator === '>=')
          return orderNode(operator, left, right, span, this)
        return this.folded(arithmeticNode(operator, left, right, span, this))
      }
    }
  }

  /** A whole number whose digits a double does not hold would be changed silently. */
  private checkWhole(syntax: Syntax & { op: 'number' }, span: Span): void {
    const { digits, scale, value } = syntax
    if (this.exactly.has(syntax) || String(digits).replace(/^-|0+$/g, '').length < 16) return
    const unit = 10n ** BigInt(Math.max(0, scale))
    if (digits % unit !== 0n) return
    const whole = (digits / unit) * 10n ** BigInt(Math.max(0, -scale))
    if (BigInt(value) === whole) return
    this.report({
      code: 'out_of_range',
      message: `${this.textOf(span)} has more digits than a number can hold`,
      span,
      hint: `${fits64(whole) ? `${whole} is a bigint, and ` : ''}decimal("${whole}", 38, 0) holds it`,
    })
  }

  private integer(value: bigint, span: Span): Node {
    if (value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER))
      return { op: 'constant', value: Number(value), type: { kind: 'integer' }, optional: false, span }
    if (fits64(value)) return { op: 'constant', value, type: { kind: 'bigint' }, optional: false, span }
    this.report({
      code: 'out_of_range',
      message: `${value} does not fit in 64 bits`,
      span,
      hint: `use decimal("${value}", 38, 0)`,
    })
    return brokenNode(span)
  }

  private negate(value: Syntax, span: Span, scope: Scope): Node {
    if (value.op === 'integer') return this.integer(-value.value, span)
    const node = this.check(value, scope)
    if (node.op === 'constant' && node.exact)
      return {
        ...node,
        value: -(node.value as number),
        exact: { digits: -node.exact.digits, scale: node.exact.scale },
        span,
      }
    return this.folded(negateNode(node, span, this))
  }

  /** A call on constants is replaced by its result, or is a finding. */
  private folded(node: Node): Node {
    if (node.op !== 'call' || !node.args.every((arg) => arg.op === 'constant' && arg.value !== null)) return node
    try {
      const value =
        (node.operation.call as (...args: unknown[]) => unknown)(
          ...node.args.map((arg) => (arg as Node & { op: 'constant' }).value),
        ) ?? null
      const { length } = (typeof value === 'string' || Array.isArray(value) ? value : '') as string
      if (length > maxConstant)
        throw new DataError('too_costly', `${this.textOf(node.span)} has ${length} characters or elements`)
      return { op: 'constant', value, type: node.type, optional: value === null, span: node.span }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      this.report({ code: error.code, message: error.message, span: node.span })
      return brokenNode(node.span)
    }
  }

  private call(syntax: Syntax & { op: 'call' }, scope: Scope): Node {
    const { name, nameAt } = syntax
    const entry = functionNamed(name)
    if (entry?.special) return this.folded(special.get(name)!(syntax, scope, this))
    // decimal() reads a number as it is written.
    const [first] = syntax.args
    if (name === 'decimal' && first) this.exactly.add(first.op === 'negate' ? first.value : first)
    const args = syntax.args.map((arg) => this.check(arg, scope))
    if (entry) return this.folded(callNode(entry, args, [syntax.start, syntax.end], this))
    if (notRepeatable.has(name)) {
      const message = `${name}() gives a different result each time, so after a crash the run would produce different records`
      this.report({
        code: 'not_repeatable',
        message,
        span: nameAt,
        hint: name.includes('id')
          ? 'sha256() of fields gives a stable id'
          : 'take the value from a field of the record',
      })
    } else {
      const near = otherNames.get(name) ?? closest(name, functionNames())
      const hint =
        (fieldOf(this.input, name) && `${name} is a field, not a function`) ??
        (aggregateNames.has(name) ? `${name}() is only available in the outputs of aggregate` : undefined) ??
        missingNames.get(name) ??
        (near && `did you mean ${near}?`)
      this.report({
        code: 'unknown_function',
        message: `there is no function ${name}`,
        span: nameAt,
        hint,
      })
    }
    return brokenNode([syntax.start, syntax.end])
  }

  private logic(op: 'and' | 'or', items: readonly Syntax[], span: Span, scope: Scope): Node {
    const nodes: Node[] = []
    let { known } = scope
    for (const item of items) {
      const node = requiredBoolean(this.check(item, { ...scope, known }), this)
      nodes.push(node)
      known = both(known, op === 'and' ? factsOf(node).yes : factsOf(node).no)
    }
    const node = logicNode(op, nodes, span)
    return nodes.some((item) => isBroken(item.type))
      ? { ...brokenBoolean(span), ...(node.facts ? { facts: node.facts } : {}) }
      : node
  }

  private choose(syntax: Syntax & { op: 'choose' }, scope: Scope): Node {
    const span: Span = [syntax.start, syntax.end]
    const condition = requiredBoolean(this.check(syntax.condition, scope), this)
    const when = factsOf(condition)
    const yes = this.check(syntax.yes, { ...scope, known: both(scope.known, when.yes) })
    const no = this.check(syntax.no, { ...scope, known: both(scope.known, when.no) })
    const type = unifyNodes(yes, no)
    if (!type) {
      const [a, b] = [describe(yes.type), describe(no.type)]
      this.report({
        code: 'wrong_type',
        message: `both results of ? : must have one type: ${a} and ${b} are not compatible`,
        span: no.span,
        expected: a,
        got: b,
      })
    }
    if (!type || isBroken(type) || isBroken(condition.type)) return brokenNode(span)
    const [a, b] = [factsOf(yes), factsOf(no)]
    const facts = {
      yes: either(both(when.yes, a.yes), both(when.no, b.yes)),
      no: either(both(when.yes, a.no), both(when.no, b.no)),
    }
    return {
      op: 'choose',
      condition,
      yes: coerce(yes, type),
      no: coerce(no, type),
      type,
      optional: yes.optional || no.optional,
      span,
      facts,
    }
  }

  private list(items: readonly Syntax[], span: Span, scope: Scope): Node {
    const nodes = items.map((item) => this.check(item, scope))
    const type = unifyAll(nodes)
    if (typeof type === 'number') {
      const [a, b] = [describe(nodes[0]!.type), describe(nodes[type]!.type)]
      this.report({
        code: 'wrong_type',
        message: `a list has values of one type: ${a} and ${b} are not compatible`,
        span: nodes[type]!.span,
        expected: a,
        got: b,
      })
      return brokenNode(span)
    }
    if (isBroken(type)) return brokenNode(span)
    const optional = nodes.some((node) => node.optional)
    return {
      op: 'list',
      items: nodes.map((node) => coerce(node, type)),
      type: { kind: 'list', of: { type, optional } },
      optional: false,
      span,
    }
  }

  private map(entries: readonly (readonly [Syntax, Syntax])[], span: Span, scope: Scope): Node {
    const fields = new Map<string, Node>()
    let isWrong = false
    for (const [key, value] of entries) {
      const node = this.check(value, scope)
      const name = key.op === 'text' ? key.value : undefined
      isWrong ||= name === undefined || isBroken(node.type) || fields.has(name)
      const at: Span = [key.start, key.end]
      if (name === undefined)
        this.report({
          code: 'wrong_type',
          message: 'the names in an object are text in quotes',
          span: at,
          expected: '"name"',
          got: this.textOf(at),
        })
      else if (fields.has(name))
        this.report({ code: 'wrong_arguments', message: `the object has ${JSON.stringify(name)} twice`, span: at })
      else fields.set(name, node)
    }
    if (isWrong) return brokenNode(span)
    const record: RecordType = {
      fields: Object.fromEntries([...fields].map(([name, { type, optional }]) => [name, { type, optional }])),
    }
    return {
      op: 'object',
      names: [...fields.keys()],
      values: [...fields.values()],
      type: { kind: 'object', record },
      optional: false,
      span,
    }
  }
}

const brokenBoolean = (span: Span): Node => ({ ...brokenNode(span), type: boolean })
const fits64 = (value: bigint): boolean => value >= -(2n ** 63n) && value < 2n ** 63n
