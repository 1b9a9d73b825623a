/**
 * `npm run polluted -- 10000 [SEED]`: reads that many polluted CSV files of each kind, and says what became of them.
 * Exits with 1 if one was read wrongly without a word.
 */
import { judge, type Outcome } from './judge.ts'
import { pollutions } from './pollutions.ts'
import { randomOf } from './tables.ts'

const count = Number(process.argv[2] ?? 1000)
const seed = Number(process.argv[3] ?? 1)
let wrong = 0
console.log(`${count} files of each kind, seed ${seed}`)
for (const [name, make] of Object.entries(pollutions)) {
  const outcomes = { equal: 0, reported: 0, refused: 0, wrong: 0 }
  let first = ''
  for (let i = 0; i < count; i++) {
    const polluted = make(randomOf(seed * 1_000_003 + i))
    const outcome: Outcome = await judge(polluted)
    if (typeof outcome === 'string') outcomes[outcome]++
    else {
      outcomes.wrong++
      first ||= `    file ${i}: ${outcome.wrong}\n${Buffer.from(polluted.bytes).toString('latin1').replaceAll(/^/gm, '    | ')}`
    }
  }
  wrong += outcomes.wrong
  const told = Object.entries(outcomes).flatMap(([outcome, n]) => (n > 0 ? [`${outcome} ${n}`] : []))
  console.log(`  ${name.padEnd(46)} ${told.join(', ')}`)
  if (first) console.log(first)
}
console.log(wrong === 0 ? 'None was read wrongly without a word.' : `${wrong} were read wrongly.`)
process.exitCode = wrong === 0 ? 0 : 1
