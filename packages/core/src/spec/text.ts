/** Options outside a spec: given on the command line, as YAML text. */
import type { OptionSchema } from '../connector/options.ts'
import type { Json } from '../record/index.ts'
import { createReport, type Finding } from './finding.ts'
import { resolveOptions } from './options.ts'
import { parseYaml } from './yaml.ts'

/** The resolved options, or the problems of the text. */
export type OptionsRead = { readonly value: Json } | { readonly findings: readonly Finding[] }

/**
 * Reads `text`, a YAML map, as options of this schema: units resolved, defaults filled in. Schema files cannot be
 * named.
 */
export function optionsFromText(text: string, schema: OptionSchema): OptionsRead {
  const report = createReport('options')
  const tree = parseYaml({ path: 'options', text }, report)
  const value = tree && resolveOptions(tree, schema, '', { report, schemaFile: () => undefined })
  return value === undefined || report.errors() > 0 ? { findings: report.findings() } : { value }
}
