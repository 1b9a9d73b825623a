/** Finds the function that a `call` names. */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { MillraceError, type Row } from '@millrace/core'

/** A user function: from a record in its in-memory form (see the types of schemas) to one, several or none. */
export type StepFunction<In = Row, Out = unknown> = (row: In) => Out

/**
 * Adds types to a function for `call`: `export const clean = defineStep<Invoice, CleanInvoice>((row) => ({ ... }))`.
 * The row is the function's own copy; null filters the record out; a list requires `returns: rows`. If it throws, the
 * record goes where `on_error` says.
 */
export const defineStep = <In extends object = Row, Out extends object = Row>(
  step: (row: In) => Out | readonly Out[] | null,
): typeof step => step

/** `./steps/clean.ts#clean`: the file and the name of the export. */
export function splitReference(reference: string): { path: string; name: string } {
  const hash = reference.lastIndexOf('#')
  return hash < 0
    ? { path: reference, name: 'default' }
    : { path: reference.slice(0, hash), name: reference.slice(hash + 1) }
}

/**
 * Imports the function; for a simulated process (`StepContext.process`), from a module of its own. Throws
 * `MillraceError` if the file is missing or broken, or has no such function.
 */
export async function loadFunction(
  reference: string,
  resolve: (path: string) => string,
  step: string,
  process?: number,
): Promise<StepFunction> {
  const { path, name } = splitReference(reference)
  const file = resolve(path)
  if (!existsSync(file))
    throw new MillraceError('function_missing', `${step}: there is no file ${path}`, {
      exitCode: 3,
      hint: 'paths are relative to the project folder',
    })
  const own = process === undefined ? '' : `?process=${process}`
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(/* @vite-ignore */ `${pathToFileURL(file).href}${own}`)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError('function_broken', `${step}: ${path} cannot be loaded: ${message}`, { exitCode: 3, cause })
  }
  const found = Object.hasOwn(module, name) ? module[name] : undefined
  if (typeof found === 'function') return found as StepFunction
  const functions = Object.keys(module).filter((key) => typeof module[key] === 'function')
  const message = found === undefined ? `${path} exports no \`${name}\`` : `\`${name}\` of ${path} is not a function`
  throw new MillraceError('function_missing', `${step}: ${message}`, {
    exitCode: 3,
    hint: functions.length ? `it exports ${functions.join(', ')}` : 'export the function by that name',
  })
}
