/**
 * From what was written to what the program gets: resolves a node of the tree against an `OptionSchema`. Durations
 * become ms, sizes bytes, schemas record types, defaults are filled in, and secrets become references as in the plan.
 * All problems are reported, each at its place, and the rest is still resolved.
 *
 * One file, since the resolvers of nested options call each other.
 */
import { bindValues } from './bind.ts'
import { closest } from '../errors/closest.ts'
import { hidePassword, hideSecrets } from '../errors/hide.ts'
import type { OptionSchema } from '../connector/options.ts'
import type { Json } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import { isBroken, parseRecordType } from '../schema/read.ts'
import { isQuiet, pathText, type Report } from './finding.ts'
import { suggest } from './suggest.ts'
import { entryOf, isEmpty, type ListNode, type MapNode, plainValue, type ScalarNode, type SpecNode } from './tree.ts'
import { durationForm, parseDuration, parsePercent, parseSize, percentForm, sizeForm } from './units.ts'

export interface Resolving {
  readonly report: Report
  /** A schema file that was read before, by its path in the spec; reports problems with it. */
  schemaFile(node: ScalarNode, path: string, report: Report): RecordType | undefined
}

/** What could be resolved; undefined if nothing could. Problems are in the report. */
export function resolveOptions(node: SpecNode, schema: OptionSchema, path: string, ctx: Resolving): Json | undefined {
  if (node.kind === 'scalar' && node.broken) {
    ctx.report.broken()
    return undefined
  }
  if (schema.anyOf) return resolveChoice(node, schema.anyOf, path, ctx)
  if (schema.format === 'record') return resolveRecord(node, path, ctx) as unknown as Json | undefined
  if (schema.type === 'object')
    return node.kind === 'map' ? resolveObject(node, schema, path, ctx) : wrongType(node, schema, path, ctx)
  if (schema.type === 'array')
    return node.kind === 'list' ? resolveList(node, schema, path, ctx) : wrongType(node, schema, path, ctx)
  if (schema.type === undefined && !schema.enum) return resolveFree(node, path, ctx)
  return node.kind === 'scalar' ? resolveScalar(node, schema, path, ctx) : wrongType(node, schema, path, ctx)
}

function resolveObject(node: MapNode, schema: OptionSchema, path: string, ctx: Resolving): Json {
  const properties = schema.properties ?? {}
  const resolved: [string, Json][] = []
  for (const { key, keyPlace, value } of node.entries) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    const of = property ?? (schema.additionalProperties === true ? {} : schema.additionalProperties) ?? undefined
    const keyPath = pathText(path, [key])
    if (!of) {
      const left = Object.keys(properties).filter((name) => !entryOf(node, name))
      ctx.report('unknown_key', keyPlace, keyPath, `unknown key \`${key}\``, {
        hint: suggest(key, closest(key, left) ? left : Object.keys(properties)),
      })
      continue
    }
    if (key === '$secret' || key === '$secrets') {
      ctx.report('reserved_key', keyPlace, keyPath, `\`${key}\` cannot be a key here`)
      continue
    }
    const made = resolveOptions(value, of, keyPath, ctx)
    if (made !== undefined) resolved.push([key, made])
  }
  for (const [name, property] of Object.entries(properties)) {
    if (entryOf(node, name)) continue
    if (property.default !== undefined) resolved.push([name, resolveDefault(property)])
    else if (schema.required?.includes(name)) {
      const misspelt = node.entries.find(({ key }) => !Object.hasOwn(properties, key) && closest(key, [name]))
      if (!misspelt)
        ctx.report('missing_key', node.place, path, `\`${name}\` is missing`, {
          expected: expectedOf(property),
          hint: exampleHint(name, property),
        })
    }
  }
  return Object.fromEntries(resolved)
}

function resolveList(node: ListNode, schema: OptionSchema, path: string, ctx: Resolving): Json | undefined {
  if (node.items.length < (schema.minItems ?? 0)) {
    ctx.report('bad_value', node.place, path, `the list is too short`, {
      expected: `at least ${schema.minItems}`,
      got: String(node.items.length),
    })
    return undefined
  }
  const items: Json[] = []
  for (const [i, item] of node.items.entries()) {
    const made = resolveOptions(item, schema.items ?? {}, `${path}[${i}]`, ctx)
    if (made !== undefined) items.push(made)
  }
  return items
}

/** A value of any shape, as JSON. */
function resolveFree(node: SpecNode, path: string, ctx: Resolving): Json | undefined {
  if (node.kind === 'map') return resolveObject(node, { type: 'object', additionalProperties: true }, path, ctx)
  if (node.kind === 'list') return resolveList(node, {}, path, ctx)
  if (isMangled(node, path, ctx) || holdsSecret(node, path, ctx)) return undefined
  if (typeof node.value === 'bigint' || (typeof node.value === 'number' && !Number.isFinite(node.value))) {
    ctx.report('bad_value', node.place, path, `${node.text} cannot be represented exactly`, {
      hint: `write it as text: "${node.text}"`,
    })
    return undefined
  }
  return node.value
}

function resolveScalar(node: ScalarNode, schema: OptionSchema, path: string, ctx: Resolving): Json | undefined {
  if (schema.format === 'expression') return resolveExpression(node, path, ctx)
  if (isMangled(node, path, ctx)) return undefined
  if (schema.format === 'secret') {
    if (!node.parts) hideSecrets([node.text])
    if (typeof node.value !== 'string') return wrongType(node, schema, path, ctx)
    const [only] = node.parts ?? []
    if (node.parts?.length === 1 && typeof only === 'object') return only as Json
    return { $secrets: (node.parts ?? [node.value]) as readonly Json[] }
  }
  if (holdsSecret(node, path, ctx)) return undefined
  const value = typedValue(node, schema)
  if (value === undefined) {
    if (isUnit(schema)) {
      const hint = typeof node.value === 'number' ? unitHint(schema, node.text) : undefined
      ctx.report(
        'bad_unit',
        node.place,
        path,
        `\`${node.text}\` is not a ${schema.format === 'percent' ? 'percentage' : schema.format}`,
        {
          expected: unitForm(schema),
          got: `\`${node.text}\``,
          hint,
        },
      )
      return undefined
    }
    return wrongType(node, schema, path, ctx)
  }
  const problem = ruleBroken(value, schema)
  if (problem) {
    const near = schema.enum && typeof value === 'string' ? closest(value, schema.enum.map(String)) : undefined
    const hint = near && `did you mean \`${near}\`?`
    ctx.report('bad_value', node.place, path, `\`${node.text}\` is not allowed`, {
      expected: problem,
      got: `\`${node.text}\``,
      hint,
    })
    return undefined
  }
  if (schema.format === 'url' && !isAddress(node, path, ctx)) return undefined
  return value
}

/** A finding does not repeat an address that cannot be read: its password may be anywhere in it. */
function isAddress({ text, place }: ScalarNode, path: string, ctx: Resolving): boolean {
  hidePassword(text)
  if (URL.canParse(text)) return true
  ctx.report('bad_value', place, path, `${nameIn(path)} is not an address`, {
    expected: 'scheme://host:port/path',
    hint: text.includes('@')
      ? 'in a name or password write `/` as %2F, `@` as %40, `:` as %3A, `?` as %3F, `#` as %23 and `%` as %25'
      : undefined,
  })
  return false
}

/** The value in the option's type; undefined: it has a different type. */
function typedValue(node: ScalarNode, schema: OptionSchema): Json | undefined {
  const { value, text } = node
  if (isUnit(schema)) return parseUnit(text, schema)
  const wanted = schema.type ?? (schema.enum ? typeof schema.enum[0] : undefined)
  if (wanted === 'string') return typeof value === 'string' ? value : undefined
  if (wanted === 'boolean')
    return typeof value === 'boolean'
      ? value
      : node.inserted && (text === 'true' || text === 'false')
        ? text === 'true'
        : undefined
  const number =
    typeof value === 'number'
      ? value
      : node.inserted && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)
        ? Number(text)
        : undefined
  if (number === undefined || !Number.isFinite(number)) return undefined
  return wanted === 'integer' && !Number.isSafeInteger(number) ? undefined : number
}

function ruleBroken(value: Json, schema: OptionSchema): string | undefined {
  if (schema.enum && !schema.enum.includes(value as string)) return `one of ${schema.enum.join(', ')}`
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return `at least ${schema.minimum}`
    if (schema.maximum !== undefined && value > schema.maximum) return `at most ${schema.maximum}`
  }
  if (typeof value === 'string') {
    if (schema.minLength !== undefined && value.length < schema.minLength)
      return schema.minLength === 1 ? 'text that is not empty' : `at least ${schema.minLength} characters`
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
      return `text that matches ${schema.pattern}`
  }
  return undefined
}

/**
 * An expression is text; the most common mistake is one that YAML turns into something else. A number or `true` is an
 * expression as written.
 */
function resolveExpression(node: ScalarNode, path: string, ctx: Resolving): Json | undefined {
  if (node.mangled) {
    const { by, text } = node.mangled
    const what =
      by === 'comment'
        ? `YAML reads \`${text}\` as a comment`
        : `YAML reads \`${text}\` as ${by === 'tag' ? 'a tag' : 'an alias'}`
    const typed = by === 'comment' ? node.place.file.text.slice(node.place.start).split('\n', 1)[0]!.trim() : text
    ctx.report('expression_mangled', node.mangled.place, path, `${what}, so it is not part of the expression`, {
      hint: `quote the expression: ${JSON.stringify(typed)}`,
    })
    return undefined
  }
  if (holdsSecret(node, path, ctx)) return undefined
  if (node.text.trim() === '') return wrongType(node, { type: 'string', format: 'expression' }, path, ctx)
  if (!node.inserts?.length) return node.text
  const bound = bindValues(node.text, node.inserts)
  if ('text' in bound) return bound.text
  ctx.report('bad_interpolation', node.place, path, bound.problem)
  return undefined
}

function resolveRecord(node: SpecNode, path: string, ctx: Resolving): RecordType | undefined {
  if (node.kind === 'scalar') {
    if (typeof node.value !== 'string') return wrongType(node, { format: 'record' }, path, ctx) as undefined
    return isMangled(node, path, ctx) ? undefined : ctx.schemaFile(node, path, ctx.report)
  }
  const { type, problems } = parseRecordType(plainValue(node))
  for (const problem of problems) ctx.report.problem(problem, node, path)
  return isBroken(problems) ? undefined : type
}

/** Of several alternatives, the findings of the one that matches the node's shape best are shown. */
function resolveChoice(
  node: SpecNode,
  choices: readonly OptionSchema[],
  path: string,
  ctx: Resolving,
): Json | undefined {
  const fitting = choices.filter((choice) => fitsShape(node, choice))
  if (node.kind === 'map' && choices.some((choice) => choice.format === 'expression')) {
    const known = new Set(fitting.flatMap((choice) => Object.keys(choice.properties ?? {})))
    const isFree = fitting.some((choice) => choice.additionalProperties)
    if (!isFree && !node.entries.some((entry) => known.has(entry.key)))
      return wrongType(node, { type: 'string', format: 'expression' }, path, ctx)
  }
  if (fitting.length === 0) return wrongType(node, { anyOf: choices }, path, ctx)
  if (fitting.length > 1) {
    for (const choice of fitting) {
      let value: Json | undefined
      const isRight = isQuiet((report) => {
        value = resolveOptions(node, choice, path, { ...ctx, report })
      })
      if (isRight) return value
    }
  }
  const best = fitting.find(
    (choice) =>
      node.kind === 'map' &&
      node.entries.some((entry) => choice.properties && Object.hasOwn(choice.properties, entry.key)),
  )
  const chosen = best ?? fitting[0]!
  const { enum: words } = chosen
  // A word that is none of these may be meant as one of the other forms.
  if (node.kind !== 'scalar' || node.mangled || !words || words.includes(node.text))
    return resolveOptions(node, chosen, path, ctx)
  const near = closest(node.text, words.map(String))
  ctx.report('bad_value', node.place, path, `\`${node.text}\` is not allowed`, {
    expected: expectedOf({ anyOf: choices }),
    got: gotOf(node),
    hint: near && `did you mean \`${near}\`?`,
  })
  return undefined
}

function fitsShape(node: SpecNode, schema: OptionSchema): boolean {
  if (schema.anyOf) return schema.anyOf.some((choice) => fitsShape(node, choice))
  if (schema.format === 'record')
    return node.kind === 'map' || (node.kind === 'scalar' && typeof node.value === 'string')
  if (schema.type === undefined && !schema.enum) return true
  if (schema.type === 'object') return node.kind === 'map'
  if (schema.type === 'array') return node.kind === 'list'
  return (
    node.kind === 'scalar' &&
    (schema.format === 'expression' || schema.format === 'secret' || typedValue(node, schema) !== undefined)
  )
}

function isMangled(node: ScalarNode, path: string, ctx: Resolving): boolean {
  if (!node.mangled || node.mangled.by === 'comment') return false
  const { by, text, place } = node.mangled
  ctx.report(
    by === 'tag' ? 'yaml_tag' : 'yaml_alias',
    place,
    path,
    `YAML reads \`${text}\` as ${by === 'tag' ? 'a tag' : 'an alias, and there is no anchor of this name'}`,
  )
  return true
}

function holdsSecret(node: ScalarNode, path: string, ctx: Resolving): boolean {
  if (!node.parts) return false
  ctx.report(
    'secret_not_allowed',
    node.place,
    path,
    'the value of this option may be printed, so it cannot contain a secret',
  )
  return true
}

const isUnit = (schema: OptionSchema): boolean =>
  schema.format === 'duration' || schema.format === 'size' || schema.format === 'percent'
const unitForm = (schema: OptionSchema): string =>
  schema.format === 'duration' ? durationForm : schema.format === 'size' ? sizeForm : percentForm
const unitHint = (schema: OptionSchema, text: string): string =>
  `write the unit: ${text}${schema.format === 'duration' ? 's' : schema.format === 'size' ? 'MiB' : ' %'}`

function wrongType(node: SpecNode, schema: OptionSchema, path: string, ctx: Resolving): undefined {
  if (schema.format === 'expression' && node.kind !== 'scalar') {
    if (node.kind === 'map' && node.hasBadKey) return undefined
    const typed = node.place.file.text.slice(node.place.start, node.place.end).split('\n', 1)[0]!.trim()
    const what = node.kind === 'map' ? 'a map' : 'a list'
    ctx.report('expression_mangled', node.place, path, `YAML turns this into ${what}, so it is not an expression`, {
      expected: 'an expression',
      got: what,
      hint: `quote the expression: ${JSON.stringify(typed)}`,
    })
    return undefined
  }
  if (node.kind === 'scalar' && isMangled(node, path, ctx)) return undefined
  ctx.report(
    'wrong_type',
    node.place,
    path,
    isEmpty(node) ? `${nameIn(path)} has no value` : `${nameIn(path)} has the wrong type`,
    {
      expected: expectedOf(schema),
      got: gotOf(node),
      hint: wrongTypeHint(node, schema),
    },
  )
  return undefined
}

/** The last key of a path, for a message. */
function nameIn(path: string): string {
  const name = /([\w-]+|\[\d+\])$/.exec(path)?.[1]
  return name === undefined ? 'the value' : name.startsWith('[') ? 'this entry' : `\`${name}\``
}

function wrongTypeHint(node: SpecNode, schema: OptionSchema): string | undefined {
  if (node.kind === 'scalar' && node.value !== null) {
    if (schema.type === 'string' && typeof node.value !== 'string') return `put it in quotes: "${node.text}"`
    if (schema.type === 'array') return `write a list: [${node.text}]`
    const [only, second] = Object.keys(schema.type === 'object' ? (schema.properties ?? {}) : {})
    if (only !== undefined && second === undefined) return `write { ${only}: ${node.text} }`
    if (schema.type === 'boolean' && /^(yes|on|no|off)$/i.test(node.text))
      return `write ${/^(yes|on)$/i.test(node.text) ? 'true' : 'false'}`
    if (
      (schema.type === 'integer' || schema.type === 'number') &&
      typeof node.value === 'string' &&
      /^\d+$/.test(node.text)
    )
      return `write it without quotes: ${node.text}`
  }
  const example = schema.examples?.[0]
  return example === undefined
    ? undefined
    : `for example ${typeof example === 'string' ? example : JSON.stringify(example)}`
}

/** What an option accepts, in words. */
export function expectedOf(schema: OptionSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(expectedOf))].join(', or ')
  if (schema.properties)
    return `{ ${Object.keys(schema.properties).slice(0, 3).join(', ')}${Object.keys(schema.properties).length > 3 ? ', ...' : ''} }`
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  if (isUnit(schema)) return unitForm(schema)
  if (schema.format === 'expression') return 'an expression'
  if (schema.format === 'field') return 'the name of a field'
  if (schema.format === 'record') return 'a schema: `fields:` with names and types, or a file'
  if (schema.format === 'path') return 'a path'
  if (schema.format === 'url') return 'an address'
  const words = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map',
  }
  return schema.type ? words[schema.type] : 'a value'
}

function gotOf(node: SpecNode): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list'
  return node.value === null ? 'nothing' : `\`${node.text}\``
}

function exampleHint(name: string, schema: OptionSchema): string | undefined {
  const example = schema.examples?.[0]
  return example === undefined
    ? undefined
    : `for example ${name}: ${typeof example === 'string' ? example : JSON.stringify(example)}`
}

/**
 * A default as the program gets it. Defaults are written as a user would type them: units are resolved, and omitted
 * properties get their own defaults.
 */
export function resolveDefault(schema: OptionSchema): Json {
  return resolvePlain(schema.default as Json, schema)
}

function resolvePlain(value: Json, schema: OptionSchema): Json {
  if (schema.anyOf) {
    // The default is one of the words of a choice, or it belongs to the first choice that is not made of words.
    const isWord = schema.anyOf.some(({ enum: words }) => words?.includes(value as string))
    const other = schema.anyOf.find(({ enum: words }) => !words)
    return isWord || !other ? value : resolvePlain(value, other)
  }
  if (typeof value === 'string' && isUnit(schema)) return parseUnit(value, schema) ?? value
  if (Array.isArray(value)) return schema.items ? value.map((item: Json) => resolvePlain(item, schema.items!)) : value
  if (typeof value !== 'object' || value === null || !schema.properties) return value
  const given = value as Readonly<Record<string, Json>>
  const filled = Object.entries(schema.properties).flatMap(([key, property]): [string, Json][] => {
    if (Object.hasOwn(given, key)) return [[key, resolvePlain(given[key]!, property)]]
    return property.default === undefined ? [] : [[key, resolveDefault(property)]]
  })
  return Object.fromEntries(filled)
}

function parseUnit(text: string, schema: OptionSchema): number | undefined {
  if (schema.format === 'duration') return parseDuration(text)
  return schema.format === 'size' ? parseSize(text) : parsePercent(text)
}
