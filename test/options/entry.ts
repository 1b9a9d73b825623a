/**
 * What shows that an option is read: a pair of configs with different results, or a named test that does the same with
 * a server.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/**
 * Two configs, and what is observed of each. The first is tried twice: only what stays the same can show a difference.
 */
export interface Pair<C = unknown> {
  readonly a: C
  readonly b: C
  see(config: C): unknown
}

/** A test elsewhere: its file and its name. */
export interface Named {
  readonly file: string
  readonly test: string
}

export type Entry = Pair<any> | Named

/** In the encoder of all stream sinks. */
export const withoutValue: Named = {
  file: 'packages/kinds/test/stream-encode.test.ts',
  test: 'is written without one, bad, or left out, as on_null says',
}

/** What sinks by key do with a record without a value: here of the embedded store, by their contract of all. */
export const deletes: Named = {
  file: 'packages/cli/test/stream-bytes.test.ts',
  test: 'deletes what has its key, now and in the next run: %s',
}

/** Why a named test does not qualify; undefined: it exists, and mentions the option. */
export function whyNot({ file, test }: Named, option: string): string | undefined {
  const path = join(root, file)
  if (!existsSync(path)) return `${file} does not exist`
  const text = readFileSync(path, 'utf8')
  if (!text.includes(`'${test}'`)) return `${file} has no test '${test}'`
  const beside = [...text.matchAll(/from '(\.\.?\/[^']+)'/g)].map(([, module]) =>
    readFileSync(resolve(dirname(path), module!), 'utf8'),
  )
  const word = option.split(/[ .]/).findLast((each) => each !== '*')!
  return [text, ...beside].some((each) => new RegExp(`\\b${word}\\b`).test(each))
    ? undefined
    : `${file} never names \`${word}\``
}
