/**
 * `call`: a function of the user's project makes each record again. It gets a copy of the record and returns a record,
 * a list of records (`returns: rows`) or null, which filters the record out. What it returns is checked against the
 * declared schema, so a mistake in it ends in the dead letter and not in a sink. It is called once a record,
 * synchronously, and must depend on nothing but its record: after a crash it is called again.
 */
import { isAbsolute, relative } from 'node:path'
import { DataError, defineTransform, option, type Output, type Problem, type Row } from '@millrace/core'
import { rowCopier } from './copy.ts'
import { loadFunction, splitReference, type StepFunction } from './load.ts'
import { resultReader } from './result.ts'

const options = option.object({
  function: option.text('A file of the project and the name of what it exports; without a name, its default export.', {
    example: './steps/clean.ts#clean',
  }),
  output: option.record('The schema of what the function returns.', {
    example: { fields: { sku: 'string', price: 'decimal(10,2)' } },
  }),
  returns: option.oneOf(
    ['row', 'rows'],
    '`row`: a record or null. `rows`: a list of records, each of which goes on by itself.',
    { default: 'row' },
  ),
})

export const call = defineTransform({
  kind: 'transform',
  type: 'call',
  summary: 'Transforms records with a TypeScript function of the project; what it returns is checked against a schema.',
  options,
  multiplies: ({ returns }) => returns === 'rows',

  check({ function: reference }, { root, resolve }) {
    const problems: Problem[] = []
    const { path, name } = splitReference(reference)
    const wrong = (message: string, hint?: string) =>
      problems.push({ code: 'bad_value', message, at: ['function'], ...(hint ? { hint } : {}) })
    if (!/\.[cm]?[jt]s$/.test(path))
      wrong(`\`${reference}\` names no TypeScript or JavaScript file`, './steps/clean.ts#clean')
    else if (!isInside(root, resolve(path)))
      wrong(
        `\`${path}\` is outside of the project`,
        'functions are files of the project; import from elsewhere in them',
      )
    else if (!/^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(name)) wrong(`\`${name}\` cannot be the name of a function`)
    return problems
  },

  infer({ output }) {
    const problems: Problem[] = []
    if (Object.keys(output.fields).length === 0 && !output.open)
      problems.push({ code: 'bad_value', message: 'the output has no fields', at: ['output'] })
    return { output, problems }
  },

  create({ function: reference, output, returns }, { input, id, resolve }) {
    const copy = rowCopier(input)
    const read = resultReader(output)
    let step: StepFunction | undefined

    /** The records made of one. */
    const made = (row: Row): readonly Row[] => {
      const result: unknown = step!(copy(row))
      if (result instanceof Promise) {
        // Nothing awaits it, so its failure would end the process.
        result.catch(() => {})
        throw new DataError('bad_result', `${reference} returned a promise: a function is synchronous`)
      }
      if (result === null || result === undefined) return []
      if (returns === 'row') return [read(result)]
      if (!Array.isArray(result))
        throw new DataError('bad_result', `${reference} returned ${kindOf(result)}: expected a list of records`)
      // Unlike map, it does not pass over what was never set.
      return Array.from(result, read)
    }

    return {
      async prepare() {
        step = await loadFunction(reference, resolve, id)
      },
      apply({ rows }, out) {
        const results: Row[] = []
        const origins: number[] = []
        for (let i = 0; i < rows.length; i++) {
          try {
            for (const row of made(rows[i]!)) {
              results.push(row)
              origins.push(i)
            }
          } catch (error) {
            failed(error, reference, out, i)
          }
        }
        return { rows: results, origins: Int32Array.from(origins) }
      },
    }
  },
})

/**
 * What the function threw, or what is wrong with its result. It may throw core's `DataError`, of whichever copy of
 * core, to name a code and a field of its own.
 */
function failed(error: unknown, reference: string, out: Output, i: number): void {
  const { code, field, message } = (
    error instanceof Error && error.name === 'DataError' ? error : {}
  ) as Partial<DataError>
  if (typeof code === 'string')
    out.fail(i, code, { ...(field === undefined ? {} : { field }), message: String(message) })
  else out.fail(i, 'call_failed', { message: `${reference} threw ${thrownText(error)}` })
}

/** Anything can be thrown, even what cannot be made text. */
function thrownText(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  } catch {
    return 'a value that has no text'
  }
}

const kindOf = (value: unknown): string => (typeof value === 'object' ? 'a record' : typeof value)

/** `path` is made plain by `resolve`, so steps upwards have left the root already. */
function isInside(root: string, path: string): boolean {
  const within = relative(root, path)
  return within !== '' && !within.startsWith('..') && !isAbsolute(within)
}
