/**
 * `call`: a function of the user's project transforms each record. It gets a copy of the record and returns a record, a
 * list of records (`returns: rows`) or null, which filters the record out. Its result is checked against the declared
 * schema, so a mistake ends in the dead letter and not in a sink. It is called once per record, synchronously, and must
 * depend only on its record: after a crash it is called again.
 */
import { isAbsolute, relative } from 'node:path'
import { DataError, defineTransform, option, type Output, type Problem, type Row } from '@millrace/core'
import { rowCopier } from './copy.ts'
import { loadFunction, splitReference, type StepFunction } from './load.ts'
import { resultReader } from './result.ts'

const options = option.object({
  function: option.text('A file of the project and the name of its export; without a name, the default export.', {
    example: './steps/clean.ts#clean',
  }),
  output: option.record('The schema of what the function returns.', {
    example: { fields: { sku: 'string', price: 'decimal(10,2)' } },
  }),
  returns: option.oneOf(
    ['row', 'rows'],
    '`row`: a record or null. `rows`: a list of records, each of which continues separately.',
    { default: 'row' },
  ),
})

export const call = defineTransform({
  kind: 'transform',
  type: 'call',
  summary: 'Transforms records with a TypeScript function of the project; its result is checked against a schema.',
  options,
  multiplies: ({ returns }) => returns === 'rows',

  check({ function: reference }, { root, resolve }) {
    const problems: Problem[] = []
    const { path, name } = splitReference(reference)
    const wrong = (message: string, hint?: string) =>
      problems.push({ code: 'bad_value', message, at: ['function'], hint })
    if (!/\.[cm]?[jt]s$/.test(path))
      wrong(`\`${reference}\` does not name a TypeScript or JavaScript file`, './steps/clean.ts#clean')
    else if (!isInside(root, resolve(path)))
      wrong(
        `\`${path}\` is outside the project`,
        'the function must be in a file of the project, which may import from elsewhere',
      )
    else if (!/^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(name)) wrong(`\`${name}\` is not a valid function name`)
    return problems
  },

  infer({ output }) {
    const problems: Problem[] = []
    if (Object.keys(output.fields).length === 0 && !output.open)
      problems.push({ code: 'bad_value', message: 'the output has no fields', at: ['output'] })
    return { output, problems }
  },

  create({ function: reference, output, returns }, { input, id, resolve, process }) {
    const copy = rowCopier(input)
    const read = resultReader(output)
    let step: StepFunction | undefined

    /** The records made from one. */
    const made = (row: Row): readonly Row[] => {
      const result: unknown = step!(copy(row))
      if (result instanceof Promise) {
        // It is not awaited, so a rejection would end the process.
        result.catch(() => {})
        throw new DataError('bad_result', `${reference} returned a promise: a function is synchronous`)
      }
      if (result === null || result === undefined) return []
      if (returns === 'row') return [read(result)]
      if (!Array.isArray(result))
        throw new DataError('bad_result', `${reference} returned ${kindOf(result)}: expected a list of records`)
      // Unlike map, this does not skip unset elements.
      return Array.from(result, read)
    }

    return {
      async prepare() {
        step = await loadFunction(reference, resolve, id, process)
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
 * The error of the function, or the problem of its result. It may throw core's `DataError`, from any copy of core, to
 * set a code and a field of its own.
 */
function failed(error: unknown, reference: string, out: Output, i: number): void {
  const { code, field, message } = (
    error instanceof Error && error.name === 'DataError' ? error : {}
  ) as Partial<DataError>
  if (typeof code === 'string') out.fail(i, code, { field, message: String(message) })
  else out.fail(i, 'call_failed', { message: `${reference} threw ${thrownText(error)}` })
}

/** Anything can be thrown, even values that cannot be converted to text. */
function thrownText(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  } catch {
    return 'a value that cannot be converted to text'
  }
}

const kindOf = (value: unknown): string => (typeof value === 'object' ? 'a record' : typeof value)

/** `resolve` has normalised `path`, so any remaining `..` leads out of the root. */
function isInside(root: string, path: string): boolean {
  const within = relative(root, path)
  return within !== '' && !within.startsWith('..') && !isAbsolute(within)
}
