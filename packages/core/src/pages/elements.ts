/** Reads and checks the elements of a page. */
import { compileExpression, type Expression } from '../expression/index.ts'
import { fieldOf, type RecordType, sameType, type Type, typeText } from '../schema/index.ts'
import { readKeys } from '../spec/read.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type MapEntry, placeWithin, type SpecNode } from '../spec/tree.ts'
import { nodeOf, type PageReading, unknown } from './reading.ts'
import { type ElementKind, elementKinds, type PageElement, type ShownElement } from './page.ts'
import { elementShape } from './shape.ts'

/** The options that only some kinds have. */
const ofKinds: Readonly<Record<string, readonly ElementKind[]>> = {
  columns: ['table', 'value'],
  links: ['table', 'value'],
  x: ['line', 'bar'],
  y: ['line', 'bar', 'histogram'],
  bin: ['histogram'],
  top: ['bar'],
  link: ['line', 'bar', 'histogram'],
  empty: ['table', 'value', 'line', 'bar', 'histogram'],
}

/** The columns that hold the bounds of a bar. */
const bounds = ['from', 'to'] as const

/** Reads `elements:`. */
export function readElements(entry: MapEntry | undefined, reading: PageReading): readonly ShownElement[] {
  const { report } = reading
  if (entry?.value.kind !== 'list') {
    const place = entry?.value.place ?? { file: reading.file, start: 0, end: 0 }
    if (entry) report('wrong_type', place, 'elements', '`elements` must be a list', { expected: 'a list' })
    else report('missing_key', place, '', '`elements` is missing', { hint: 'for example elements: [{ table: QUERY }]' })
    return []
  }
  return entry.value.items.flatMap((node, i) => readElement(node, `elements[${i}]`, reading) ?? [])
}

function readElement(node: SpecNode, path: string, reading: PageReading): ShownElement | undefined {
  const { report, queries } = reading
  const { keys, values } = readKeys(node, elementShape, path, report)
  const [kind, ...others] = elementKinds.filter((each) => keys.has(each))
  if (kind === undefined) {
    // An unknown key may be meant as its kind, and has a finding.
    if (node.kind === 'map' && node.entries.every(({ key }) => keys.has(key)))
      report('missing_key', { ...node.place, end: node.place.start }, path, 'the kind of this element is missing', {
        expected: elementKinds.join(', '),
      })
    report.broken()
    return undefined
  }
  for (const other of others)
    report(
      'bad_value',
      keys.get(other)!.keyPlace,
      `${path}.${other}`,
      `an element is one thing: \`${kind}\` or \`${other}\``,
    )
  for (const [key, kinds] of Object.entries(ofKinds))
    if (others.length === 0 && keys.has(key) && !kinds.includes(kind))
      report('unknown_key', keys.get(key)!.keyPlace, `${path}.${key}`, `\`${key}\` has no meaning for a ${kind}`, {
        hint: `it belongs to ${kinds.join(', ')}`,
      })
  const title = values['title'] as string | undefined
  checkTitle(title, nodeOf(node, 'title'), `${path}.title`, reading)
  const head = { kind, ...(title === undefined ? {} : { title }) }
  if (kind === 'rate') {
    const rate = values['rate'] as PageElement['rate']
    return { element: { ...head, ...(rate ? { rate } : {}) }, computed: [], links: [] }
  }
  const name = values[kind] as string | undefined
  if (name === undefined) return undefined
  const query = queries.get(name)
  if (!query) {
    unknown('unknown_query', 'query', name, queries.keys(), nodeOf(node, kind).place, `${path}.${kind}`, report)
    return undefined
  }
  query.isUsed.value = true
  const { output } = query.query.checked
  if (!output) {
    report.broken()
    return undefined
  }
  const columns = values['columns'] as string[] | undefined
  const y = values['y'] === undefined ? undefined : ([values['y']].flat() as string[])
  const x = values['x'] as string | undefined
  const fieldAt = (field: string, at: SpecNode, key: string) => {
    if (fieldOf(output, field)) return true
    unknown('unknown_field', 'field', field, Object.keys(output.fields), at.place, `${path}.${key}`, report)
    return false
  }
  columns?.forEach((field, i) => fieldAt(field, itemOf(nodeOf(node, 'columns'), i), `columns[${i}]`))
  if (x !== undefined) fieldAt(x, nodeOf(node, 'x'), 'x')
  y?.forEach((field, i) => {
    const at = itemOf(nodeOf(node, 'y'), i)
    if (fieldAt(field, at, 'y')) checkNumber(fieldOf(output, field)!.type, field, at, `${path}.y`, reading)
  })
  for (const key of kind === 'histogram' ? ['bin', 'y'] : kind === 'line' || kind === 'bar' ? ['x', 'y'] : [])
    if (!keys.has(key))
      report('missing_key', { ...node.place, end: node.place.start }, path, `\`${key}\` is missing`, {
        hint: `a ${kind} needs it`,
      })
  const computed = kind === 'histogram' ? readBin(entryOf(node, 'bin')?.value, output, `${path}.bin`, reading) : []
  const links = [...linksIn(entryOf(node, 'links'), output, `${path}.links`, reading)]
  const link = entryOf(node, 'link')
  if (link) links.push(...linkOf(link.value, undefined, output, `${path}.link`, reading))
  const shown = kind === 'table' || kind === 'value' ? (columns ?? Object.keys(output.fields)) : undefined
  const element: PageElement = {
    ...head,
    columns: shown ?? [...new Set([...(x === undefined ? [] : [x]), ...(y ?? [])])],
    ...(x === undefined ? {} : { x }),
    ...(y === undefined ? {} : { y }),
    ...(computed.length === 2 ? { bin: bounds } : {}),
    ...(typeof values['empty'] === 'string' ? { empty: values['empty'] } : {}),
  }
  return {
    element,
    query: name,
    ...(typeof values['top'] === 'number' ? { top: values['top'] } : {}),
    computed,
    links,
  }
}

const itemOf = (node: SpecNode, i: number): SpecNode => (node.kind === 'list' ? (node.items[i] ?? node) : node)

function checkTitle(title: string | undefined, node: SpecNode, path: string, { inputs, report }: PageReading): void {
  for (const match of (title ?? '').matchAll(/\$\{input:([^}]*)\}/g)) {
    if (Object.hasOwn(inputs, match[1]!)) continue
    const place = node.kind === 'scalar' ? placeWithin(node, [match.index, match.index + match[0].length]) : node.place
    unknown('unknown_input', 'input', match[1]!, Object.keys(inputs), place, path, report)
  }
}

const numbers: readonly string[] = ['integer', 'number', 'bigint', 'decimal']

function checkNumber(type: Type, name: string, node: SpecNode, path: string, { report }: PageReading): void {
  if (numbers.includes(type.kind)) return
  report('wrong_type', node.place, path, `${name} is ${typeText(type)}, and only numbers can be drawn`, {
    expected: 'integer, number, bigint or decimal',
    got: typeText(type),
  })
}

function readBin(node: SpecNode | undefined, output: RecordType, path: string, reading: PageReading) {
  if (node?.kind !== 'list') return []
  if (node.items.length !== 2)
    reading.report('bad_value', node.place, path, 'a bar has a lower and an upper bound', {
      expected: 'two expressions',
    })
  return bounds.flatMap((name, i) => {
    const item = node.items[i]
    const expression = item && expressionAt(item, output, `${path}[${i}]`, reading)
    if (expression)
      checkNumber(expression.type, `the ${name === 'from' ? 'lower' : 'upper'} bound`, item, path, reading)
    return expression ? [{ name, expression }] : []
  })
}

function expressionAt(
  node: SpecNode,
  output: RecordType,
  path: string,
  { report }: PageReading,
): Expression | undefined {
  if (node.kind !== 'scalar') {
    report('wrong_type', node.place, path, 'this must be an expression', { expected: 'an expression' })
    return undefined
  }
  const compiled = compileExpression(node.text, output)
  if (compiled.ok) return compiled
  for (const { span, ...problem } of compiled.problems) report.problem({ ...problem, span, at: [] }, node, path)
  return undefined
}

function linksIn(
  entry: MapEntry | undefined,
  output: RecordType,
  path: string,
  reading: PageReading,
): ShownElement['links'] {
  if (!entry) return []
  if (entry.value.kind !== 'map') {
    reading.report('wrong_type', entry.value.place, path, '`links` must be a map by field', { expected: 'a map' })
    return []
  }
  return entry.value.entries.flatMap(({ key, keyPlace, value }) => {
    if (!fieldOf(output, key))
      unknown('unknown_field', 'field', key, Object.keys(output.fields), keyPlace, `${path}.${key}`, reading.report)
    return linkOf(value, key, output, `${path}.${key}`, reading)
  })
}

/** A link: inputs of a page with the expressions that fill them in. Without `page`, of this page. */
function linkOf(
  node: SpecNode,
  column: string | undefined,
  output: RecordType,
  path: string,
  reading: PageReading,
): ShownElement['links'] {
  const { report, pages } = reading
  if (node.kind !== 'map') {
    report('wrong_type', node.place, path, 'a link is a map of inputs', {
      expected: '{ page: NAME, INPUT: EXPRESSION }',
    })
    return []
  }
  const own = [...pages].find(([, { inputs }]) => inputs === reading.inputs)?.[0]
  const named = entryOf(node, 'page')?.value
  const page = named ? (named.kind === 'scalar' ? named.text : '') : (own ?? '')
  const target = pages.get(page)
  if (!target) {
    if (named) unknown('unknown_page', 'page', page, pages.keys(), named.place, `${path}.page`, report)
    return []
  }
  const inputs: Record<string, Expression> = {}
  for (const { key, keyPlace, value } of node.entries) {
    if (key === 'page') continue
    const type = Object.hasOwn(target.inputs, key) ? target.inputs[key] : undefined
    if (type === undefined) {
      report('unknown_input', keyPlace, `${path}.${key}`, `the page \`${page}\` has no input \`${key}\``, {
        hint: suggest(key, Object.keys(target.inputs)),
      })
      continue
    }
    const expression = expressionAt(value, output, `${path}.${key}`, reading)
    if (!expression) continue
    inputs[key] = expression
    if (type === 'time_range' || canBe(expression.type, type.type)) continue
    report('wrong_type', value.place, `${path}.${key}`, `the input ${key} is ${typeText(type.type)}`, {
      expected: typeText(type.type),
      got: typeText(expression.type),
    })
  }
  return [{ ...(column === undefined ? {} : { column }), page, inputs }]
}

/** Whether the text of any value of a type is a value of the other. */
const canBe = (given: Type, wanted: Type): boolean =>
  sameType(given, wanted) ||
  wanted.kind === 'string' ||
  (given.kind === 'integer' && ['number', 'bigint', 'decimal'].includes(wanted.kind))
