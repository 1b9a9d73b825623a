/**
 * `npm run differential -- --runs N --from M`: random expressions, evaluated here, compiled and interpreted, and by
 * cel-go. Equal values, or an error in both. Needs Go, which fetches cel-go.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileExpression, DataError, interpretExpression } from '@millrace/core'
import { Expressions, type Question, record } from './expressions.ts'

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, from: { type: 'string', default: '0' } },
})
const [runs, from] = [Number(flags.runs), Number(flags.from)]

type Answer = readonly [kind: string, value: unknown]

/** A value as cel-go's side writes it. */
function told(value: unknown, type: string): Answer {
  if (typeof value === 'boolean') return ['bool', value]
  if (type === 'decimal') return ['decimal', shortest(value as string)]
  if (typeof value === 'string') return ['string', value]
  if (Array.isArray(value)) return ['list', value.map((item) => told(item, type.slice(5, -1)))]
  if (type === 'number') {
    const bits = Buffer.alloc(8)
    bits.writeDoubleBE(value as number)
    return ['double', bits.readBigUInt64BE().toString(16)]
  }
  return [type === 'timestamp' ? 'time' : 'int', String(value)]
}

/** A decimal without zeros at its end. */
const shortest = (decimal: string) => decimal.replace(/\.?0+$/, '').replace(/^-?0?$/, '0')

function ourAnswer({ ours, row }: Question, build: typeof compileExpression): Answer {
  const built = build(ours, record)
  if (!built.ok) return ['refused', built.problems[0]!.message]
  try {
    const { type } = built
    return told(built.evaluate(row), type.kind === 'list' ? `list<${type.of.type.kind}>` : type.kind)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return ['error', error.message]
  }
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-differential-'))
try {
  const program = join(folder, 'cel')
  const source = fileURLToPath(new URL('cel', import.meta.url))
  const built = spawnSync('go', ['build', '-o', program, '.'], { cwd: source, stdio: 'inherit' })
  if (built.status !== 0) throw new Error('Go is needed to build the program that evaluates with cel-go')
  const counts = { equal: 0, errors: 0, refused: 0, tooLong: 0 }
  let differ = 0
  for (let first = from; first < from + runs; first += 5000) {
    const last = Math.min(first + 5000, from + runs)
    const questions = Array.from({ length: last - first }, (_, k) => new Expressions(first + k).question())
    const input = questions.map(({ cel, vars }) => JSON.stringify({ cel, vars })).join('\n')
    const { stdout, status } = spawnSync(program, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'inherit'] })
    if (status !== 0) throw new Error('the program that evaluates with cel-go failed')
    const answers = stdout.toString().trim().split('\n')
    for (const [k, question] of questions.entries()) {
      const given = JSON.parse(answers[k]!) as Answer
      for (const build of [compileExpression, interpretExpression]) {
        const ours = ourAnswer(question, build)
        const theirs = ours[0] === 'decimal' && given[0] === 'string' ? told(given[1], 'decimal') : given
        if (ours[0] === 'refused') counts.refused++
        else if (ours[0] === 'error' && /more than (the )?38 digits/.test(ours[1] as string)) counts.tooLong++
        else if (ours[0] === 'error' && theirs[0] === 'error') counts.errors++
        else if (JSON.stringify(ours) === JSON.stringify(theirs)) counts.equal++
        else if (differ++ < 20) {
          console.log(`${first + k}: ${question.ours}\n  cel: ${question.cel}\n  row: ${JSON.stringify(question.vars)}`)
          console.log(`  here ${JSON.stringify(ours)}\n  CEL  ${JSON.stringify(theirs)}`)
        }
      }
    }
  }
  const { equal, errors, refused, tooLong } = counts
  console.log(
    `${runs} expressions, compiled and interpreted: ${equal} equal, ${errors} fail in both, ${refused} refused by ` +
      `the check, ${tooLong} have decimals of more than 38 digits, ${differ} differ`,
  )
  if (differ > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
