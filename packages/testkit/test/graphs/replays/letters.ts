/** Dead letters as the command reads them, and the names by which the model knows them. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Letter, Plan } from '@millrace/core'
import { lettersOf, type Told } from '../../../../cli/src/letters.ts'
import type { Case } from '../case.ts'
import { labelOf, letterText } from '../judge/letters.ts'
import type { Failure } from '../model/index.ts'
import { lineOf } from '../project/input.ts'
import { lettersFolder } from '../project/spec.ts'
import { correctedRecord } from '../case.ts'
import type { Reader } from '../run/outputs.ts'
import { registry } from '../run/registry.ts'

/** The name of a failure whose record has this path at its node. */
export const nameOf = ({ at, arrival }: Failure, path: string): string => `${labelOf(arrival, at)} ${path}`

/** The name of a letter. */
export const nameOfLetter = (letter: Letter): string =>
  `${letterText({
    id: letter.id,
    path: letter.path,
    step: letter.step,
    code: letter.code,
    form: letter.form as 'raw' | 'row',
    text: Buffer.from(letter.bytes, 'base64').toString(),
  })} ${letter.path ?? ''}`

/** All letters, as `pipe dead-letter` reads them. Files of a simulated disk are copied to the real one first. */
export function readLetters(root: string, plan: Plan, reader: Reader): Promise<readonly Told[]> {
  const folder = join(root, lettersFolder)
  const files = reader.files(folder).map((path) => [path, reader.read(path)] as const)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [path, bytes] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
  const home = join(root, '.millrace', 'local')
  const workspace = { root, home, stateDir: home, secrets: () => undefined }
  return lettersOf({ plan, registry, workspace }, new AbortController().signal)
}

/** The letters, some of them with the bytes of the corrected record. */
export function withBytes(graph: Case, letters: readonly Told[], mended: ReadonlySet<string>): readonly Letter[] {
  const lines = new Map(
    graph.sources.flatMap((source) =>
      source.splits.flatMap(({ records }) =>
        records
          .filter(({ u }) => mended.has(u))
          .map((record) => [record.u, lineOf(source.kind, 0, correctedRecord(record)).trimEnd()] as const),
      ),
    ),
  )
  return letters.map((letter) => {
    const line =
      letter.form === 'raw' ? lines.get(/u\d{5}/.exec(Buffer.from(letter.bytes, 'base64').toString())![0]) : undefined
    return line === undefined ? letter : { ...letter, bytes: Buffer.from(line).toString('base64') }
  })
}
