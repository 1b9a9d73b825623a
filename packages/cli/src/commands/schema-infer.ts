import { writeFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import {
  type Env,
  type Field,
  fieldText,
  isNested,
  MillraceError,
  optionsFromText,
  type RecordType,
  type Type,
} from '@millrace/core'
import { loadConnectors } from '../builtins.ts'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, homeOf } from '../project.ts'

export default defineCommand({
  name: 'schema infer',
  summary: 'Infer a schema from a data file or another source, to review and put into a spec.',
  args: [['[FILE]', 'CSV, JSON lines, JSON, Parquet or Arrow, also compressed. Absent: what `--config` names.']],
  flags: {
    type: { type: 'text', value: 'TYPE', description: 'The source to read with; default: from the file name.' },
    config: { type: 'text', value: 'YAML', description: 'More options for that source: \'delimiter: ";"\'.' },
    out: { type: 'text', value: 'FILE', description: 'Write the schema to this file instead of printing it.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  examples: [
    ['pipe schema infer data/orders.csv', 'Print the schema.'],
    ["pipe schema infer --type generate --config 'fields: { id: uuid }'", 'From a source that reads no file.'],
    ["pipe schema infer data/orders.csv --config 'encoding: latin1' --out schemas/order.yaml", 'Write it to a file.'],
  ],
  async run({ flags, args: [file] }, io) {
    const root = findRoot(io.cwd)
    if (file === undefined && flags.type === undefined)
      throw usageError('Either FILE or --type is needed.', 'See `pipe connectors source`.')
    const type = flags.type ?? (/\.(csv|tsv)(\.(gz|zst))?$/.test(file ?? '') ? 'csv' : 'files')
    const registry = await loadConnectors(root, [{ kind: 'source', type }])
    const definition = registry.source(type)
    if (!definition) throw usageError(`There is no source of type ${type}.`, 'See `pipe connectors source`.')
    if (!definition.infer) throw usageError(`A source of type ${type} cannot infer a schema.`)
    const path = file === undefined ? '' : `path: ${JSON.stringify(resolve(io.cwd, file))}\n`
    const options = optionsFromText(`${path}${flags.config ?? (path ? '' : '{}')}\n`, definition.options)
    if ('findings' in options) {
      const [first] = options.findings
      throw usageError(`--config: ${first?.message ?? 'it cannot be read'}`, first?.hint)
    }
    const env: Env = {
      root,
      home: homeOf(root, 'local'),
      profile: 'local',
      pipeline: 'infer',
      id: 'source',
      resolve: (path) => (isAbsolute(path) ? path : resolve(root, path)),
    }
    const [problem] = definition.check?.(options.value, env) ?? []
    if (problem) throw usageError(`--config: ${problem.message}`, problem.hint)
    const record = await definition.infer(options.value, env, io.stopSignal(), (message) =>
      io.err(`warning: ${message}\n`),
    )
    if (Object.keys(record.fields).length === 0)
      throw new MillraceError('nothing_to_infer', `${file ?? type} has no records to infer a schema from.`, {
        exitCode: 3,
        hint: 'Write the schema by hand.',
      })
    const text = flags.json
      ? `${JSON.stringify({ fields: compact(record) }, undefined, 2)}\n`
      : yaml({ fields: compact(record) }, '')
    if (flags.out === undefined) io.out(text)
    else {
      writeFileSync(resolve(io.cwd, flags.out), text, { flag: 'wx' })
      io.out(
        `Wrote ${flags.out}. Review it: a code that looks like a number may be text, and a field that is never empty in the sample may be empty elsewhere.\n`,
      )
    }
    return 0
  },
})

/** The compact form: words, except for types that hold objects. */
const compact = (record: RecordType): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record.fields).map(([name, field]) => [name, compactField(field)]))

function compactField(field: Field): unknown {
  const { type, optional } = field
  const more = optional ? { optional } : {}
  if (type.kind === 'object') return { fields: compact(type.record), ...more }
  if (isNested(type) && holdsObjects(type.of.type)) return { [type.kind]: compactField(type.of), ...more }
  return fieldText(field)
}

const holdsObjects = (type: Type): boolean => type.kind === 'object' || (isNested(type) && holdsObjects(type.of.type))

function yaml(fields: object, indent: string): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const key = /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name)
      return typeof value === 'object'
        ? `${indent}${key}:\n${yaml(value, `${indent}  `)}`
        : `${indent}${key}: ${value}\n`
    })
    .join('')
}
