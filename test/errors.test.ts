/** The examples on the error pages: each shows its error, and its fix removes it. */
import { describe, expect, it } from 'vitest'
import { catalogueParts } from '../packages/core/src/index.ts'
import { pageFindings } from '../packages/core/src/errors/page-findings.ts'
import { catalogueAreas } from '../scripts/errors/areas.ts'
import { answerExamples, shownAnswers } from '../scripts/errors/answers.ts'
import { examples } from '../scripts/errors/examples.ts'
import { shown, shownFinding } from '../scripts/errors/show.ts'
import { mends } from './corpus/mends.ts'

/** Their examples use files too large for a page; test/corpus has them. */
const tooLarge = ['not_utf8', 'yaml_too_deep', 'yaml_too_large']

/** Their examples are wrong pages: packages/cli/test/wrong-pages.test.ts. */
const inPages = Object.keys(pageFindings)

describe('a finding', () => {
  it('has an example, whatever its code', () => {
    const codes = Object.keys(catalogueParts.finding).filter((code) => ![...tooLarge, ...inPages].includes(code))
    expect(Object.keys(mends).toSorted()).toEqual(codes.toSorted())
  })

  it.each(Object.keys(mends))('%s is shown and mended', async (code) => {
    const { before, after, printed } = await shownFinding(code)
    expect(before.map((finding) => finding.code)).toContain(code)
    expect(printed).toContain(code)
    expect(after).toEqual([])
  })
})

describe.each(Object.entries(examples))('%s', (part, all) => {
  it.each(Object.keys(all))('%s is shown and mended', async (code) => {
    expect(Object.keys(catalogueParts[part as 'run'])).toContain(code)
    const { wrong, right } = await shown(all[code]!)
    expect(wrong.printed).toContain(`error ${code}`)
    expect(wrong.code).toBeGreaterThan(0)
    expect(right.code, right.printed).toBe(0)
  })
})

it('answers of a gateway are shown and mended', async () => {
  const answers = await shownAnswers()
  for (const code of Object.keys(answerExamples)) {
    expect(Object.keys(catalogueParts.answer)).toContain(code)
    expect(answers.get(code)!.wrong).toContain(`"error":"${code}"`)
    expect(answers.get(code)!.right).toContain('201 Created')
  }
})

it('every code stands in one area of its part', () => {
  for (const [part, entries] of Object.entries(catalogueParts)) {
    const codes = catalogueAreas.filter((area) => area.part === part).flatMap((area) => Object.keys(area.entries))
    expect(codes.toSorted()).toEqual(Object.keys(entries).toSorted())
  }
})

it('every code says what to do, in words or by an example that is mended', () => {
  const shown: Readonly<Record<string, object>> = { ...examples, finding: mends, answer: answerExamples }
  const silent = catalogueAreas.flatMap(({ part, entries }) =>
    Object.entries(entries).flatMap(([code, { hint }]) =>
      hint || Object.hasOwn(shown[part] ?? {}, code) ? [] : [`${part} ${code}`],
    ),
  )
  expect(silent).toEqual([])
})
