/**
 * Finds the signature of a function that matches the arguments, and makes the call. If none matches, that is one
 * finding, at the wrong argument.
 */
import { checkZone } from '../../date/index.ts'
import { DataError } from '../../errors/index.ts'
import { parseType, type Type, typeText } from '../../schema/index.ts'
import type { Form, FunctionEntry, Made } from '../functions/entry.ts'
import { signatures, written } from '../functions/entry.ts'
import type { Span } from '../read/syntax.ts'
import { type Reporter, required } from './report.ts'
import { brokenNode, describe, isBroken, isNothing, type Node } from './typed.ts'
import { maxPrecision } from './unify.ts'

interface Param {
  readonly name: string
  readonly kind: string
  readonly optional: boolean
}

const parsed = new Map<string, readonly Param[]>()

/** The parts of `text: string, to?: integer`. */
function paramsOf(form: Form): readonly Param[] {
  const known = parsed.get(form.takes)
  if (known) return known
  const params = form.takes.split(', ').map((part): Param => {
    const [name, kind] = part.split(': ') as [string, string]
    return { name: name.replace('?', ''), kind, optional: name.endsWith('?') }
  })
  parsed.set(form.takes, params)
  return params
}

/** Whether a value of this type may be passed for a parameter of this kind. */
function accepts(kind: string, type: Type): boolean {
  if (kind === 'list<string>')
    return type.kind === 'list' && !type.of.optional && (type.of.type.kind === 'string' || isNothing(type.of.type))
  if (kind === 'zone' || kind === 'pattern') return type.kind === 'string'
  if (kind === 'whole') return type.kind === 'integer'
  if (type.kind === 'fine_timestamp') return kind === typeText(type)
  return kind === type.kind || (kind === 'number' && type.kind === 'integer')
}

/** A call of a function that is not special. */
export function callNode(entry: FunctionEntry, args: readonly Node[], span: Span, reporter: Reporter): Node {
  if (args.some((arg) => isBroken(arg.type))) return brokenNode(span)
  const counted = entry.forms.filter((form) => {
    const params = paramsOf(form)
    return args.length <= params.length && args.length >= params.filter((param) => !param.optional).length
  })
  if (counted.length === 0) return refuseCount(entry, args.length, span, reporter)
  const form = counted.find((form) =>
    paramsOf(form).every((param, i) => i >= args.length || accepts(param.kind, args[i]!.type)),
  )
  if (!form) return refuseType(entry, counted, args, span, reporter)
  const params = paramsOf(form)
  const given = args.map((arg, i) => (i === 0 && form.nullable ? arg : required(arg, reporter)))
  const wrong = given.map((arg, i) => problemOfWritten(params[i]!, arg, reporter)).some((is) => is)
  if (wrong || given.some((arg) => isBroken(arg.type))) return brokenNode(span)
  return made(entry, form, params, given, span, reporter)
}

function made(
  entry: FunctionEntry,
  form: Form,
  params: readonly Param[],
  args: readonly Node[],
  span: Span,
  reporter: Reporter,
): Node {
  let result: Made
  try {
    result = form.make?.(args) ?? {}
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const at = params.findIndex((param) => param.kind === 'pattern')
    reporter.report({ code: error.code, message: error.message, span: args[at]?.span ?? span })
    return brokenNode(span)
  }
  if ('refusal' in result) {
    const { refusal, at, hint, code } = result
    reporter.report({
      code: code ?? 'wrong_arguments',
      message: refusal,
      span: at === undefined ? span : args[at]!.span,
      hint,
    })
    return brokenNode(span)
  }
  const gives = parseType(form.gives)
  const type = result.type ?? gives!.type
  const operation = result.operation ?? {
    name: `${entry.name}(${form.takes})`,
    call: form.call!,
    inline: form.inline,
  }
  const nullable = !!form.nullable && args[0]!.optional
  return {
    op: 'call',
    operation,
    args: result.args ?? args,
    nullable,
    type,
    optional: nullable || !!gives?.optional,
    span,
  }
}

/** Reports problems with an argument that must be a literal; true: there was one. */
function problemOfWritten(param: Param, arg: Node, reporter: Reporter): boolean {
  const value = written(arg)
  if (param.kind === 'zone') {
    const wrong =
      typeof value === 'string' ? checkZone(value) : 'a time zone must be literal text, such as "Europe/Berlin"'
    if (!wrong) return false
    reporter.report({
      code: typeof value === 'string' ? 'unknown_zone' : 'wrong_arguments',
      message: wrong,
      span: arg.span,
      expected: 'a time zone',
    })
    return true
  }
  if (param.kind !== 'whole' || (typeof value === 'number' && value >= 0 && value <= maxPrecision)) return false
  const message = `${param.name} must be a literal whole number from 0 to ${maxPrecision}`
  reporter.report({
    code: 'wrong_arguments',
    message,
    span: arg.span,
    expected: `0 to ${maxPrecision}`,
    got: reporter.textOf(arg.span),
  })
  return true
}

function refuseCount(entry: FunctionEntry, count: number, span: Span, reporter: Reporter): Node {
  const counts = entry.forms.flatMap((form) => {
    const params = paramsOf(form)
    return [params.filter((param) => !param.optional).length, params.length]
  })
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  const expected = `${least === most ? least : `${least} to ${most}`} ${most === 1 ? 'argument' : 'arguments'}`
  reporter.report({
    code: 'wrong_arguments',
    message: `${entry.name} takes ${expected}`,
    span,
    expected,
    got: String(count),
    hint: signaturesText(entry),
  })
  return brokenNode(span)
}

/** The signatures of a function, for a hint. */
export const signaturesText = (entry: FunctionEntry): string => {
  const all = signatures(entry)
  return all.length > 4 ? `${all.slice(0, 3).join('; ')}; and ${all.length - 3} more` : all.join('; ')
}

const converters: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'int',
  bigint: 'bigint',
  number: 'double',
  date: 'date',
  timestamp: 'timestamp',
  boolean: 'bool',
  json: 'parse_json',
}

function refuseType(
  entry: FunctionEntry,
  forms: readonly Form[],
  args: readonly Node[],
  span: Span,
  reporter: Reporter,
): Node {
  // The signatures that match the most arguments, and the argument at which they stop.
  const stops = forms.map((form) => args.findIndex((arg, i) => !accepts(paramsOf(form)[i]!.kind, arg.type)))
  const at = Math.max(...stops)
  const arg = args[at]!
  const kinds = [...new Set(forms.flatMap((form, i) => (stops[i] === at ? [paramsOf(form)[at]!.kind] : [])))]
  const words: Readonly<Record<string, string>> = { zone: 'string', pattern: 'string', whole: 'integer' }
  const expected = [...new Set(kinds.map((kind) => words[kind] ?? kind))].join(' or ')
  const text = reporter.textOf(arg.span)
  const converter =
    arg.type.kind === 'timestamp' && (kinds.includes('integer') || kinds.includes('number'))
      ? 'epoch_ms'
      : !isNothing(arg.type) && !['list', 'map', 'object'].includes(arg.type.kind)
        ? kinds.map((kind) => converters[kind]).find((name) => name)
        : undefined
  const hint =
    entry.name === 'contains' && arg.type.kind === 'list'
      ? `${args[1] ? reporter.textOf(args[1].span) : 'x'} in ${text}`
      : converter && `${converter}(${text}) converts it`
  reporter.report({
    code: 'wrong_type',
    message: `${entry.name} takes ${expected} here, not ${describe(arg.type)}`,
    span: arg.span,
    expected,
    got: describe(arg.type),
    hint,
  })
  return brokenNode(span)
}
