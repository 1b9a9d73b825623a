/** The vars of a spec: declared with a type; their value comes from `--set`, else the profile, else their default. */
import type { OptionSchema } from '../connector/options.ts'
import type { Report } from './finding.ts'
import { interpolate, type Values, type VarValue } from './interpolate.ts'
import { resolveOptions } from './options.ts'
import { readKeys } from './read.ts'
import { varShape } from './shape.ts'
import { suggest } from './suggest.ts'
import { entryOf, type MapEntry, type ScalarNode, type SpecNode } from './tree.ts'

/** The value of each declared var; undefined where it has no value, which is then in the report. */
export function readVars(
  spec: SpecNode | undefined,
  profile: SpecNode | undefined,
  set: Readonly<Record<string, string>>,
  outside: Omit<Values, 'vars'>,
  report: Report,
): Values['vars'] {
  const vars = new Map<string, VarValue | undefined>()
  if (!spec) return vars
  const declared = entryOf(spec, 'vars')
  const entries = declared?.value.kind === 'map' ? declared.value.entries : []
  if (declared && declared.value.kind !== 'map')
    report('wrong_type', declared.value.place, 'vars', '`vars` must be a map of names', { expected: 'a map' })
  const values: Values = { ...outside, vars: new Map() }
  for (const entry of entries)
    vars.set(
      entry.key,
      readVar(entry, entryOf(entryOf(profile, 'vars')?.value, entry.key)?.value, set[entry.key], values, report),
    )
  for (const name of Object.keys(set)) {
    if (!vars.has(name))
      report(
        'var_unknown',
        declared?.keyPlace ?? { ...spec.place, end: spec.place.start },
        'vars',
        `no var \`${name}\` is declared, but \`--set\` gives it a value`,
        { hint: suggest(name, vars.keys()) },
      )
  }
  return vars
}

function readVar(
  entry: MapEntry,
  inProfile: SpecNode | undefined,
  given: string | undefined,
  values: Values,
  report: Report,
): VarValue | undefined {
  const path = `vars.${entry.key}`
  // A plain value is short for a default; its type is what YAML read.
  const isShort = entry.value.kind === 'scalar'
  const read = isShort ? undefined : readKeys(entry.value, varShape, path, report)
  const type = read ? String(read.values['type'] ?? 'string') : yamlType(entry.value as ScalarNode)
  const schema: OptionSchema = ['duration', 'size', 'percent'].includes(type)
    ? { type: 'string', format: type as 'duration' }
    : { type: type as 'string' }
  const typed =
    given !== undefined
      ? ({
          kind: 'scalar',
          place: entry.keyPlace,
          value: given,
          text: given,
          style: 'plain',
          inserted: true,
        } satisfies ScalarNode)
      : (inProfile ?? (read ? read.keys.get('default')?.value : entry.value))
  if (!typed) {
    const about = read?.values['description']
    const message = `the var \`${entry.key}\` has no value${about === undefined ? '' : ` (${String(about)})`}`
    report('var_missing', entry.keyPlace, path, message, {
      hint: `--set ${entry.key}=VALUE, or give it a \`default\``,
    })
    return undefined
  }
  const node = interpolate(typed, path, values, report)
  const resolved = resolveOptions(node, schema, path, { report, schemaFile: () => undefined })
  return resolved === undefined || node.kind !== 'scalar' ? undefined : { text: node.text, isText: type === 'string' }
}

const yamlType = (node: ScalarNode): string =>
  typeof node.value === 'number' ? 'number' : typeof node.value === 'boolean' ? 'boolean' : 'string'
