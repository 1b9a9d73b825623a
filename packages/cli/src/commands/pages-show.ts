import type { ElementAnswer } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { openPages } from '../pages.ts'
import { rowTable } from '../print/table.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'pages show',
  summary: 'Print the answer of a page: the rows of each of its elements.',
  details: 'Exit code 0: every element has an answer or waits for an input; 1: a query has failed.',
  args: [['PAGE', 'The name of the page.']],
  flags: {
    ...specFlags,
    input: { type: 'list', value: 'NAME=VALUE', description: 'The value of an input; may be repeated.' },
  },
  examples: [
    ['pipe pages show invoices --input customer=17850', 'Each element as a table.'],
    ['pipe pages show invoices --input customer=17850 --json', 'As the console gets it.'],
  ],
  async run({ flags, args: [name] }, io) {
    const { answerPage, pages } = await openPages(flags, io)
    const inputs = Object.fromEntries(flags.input.map(split))
    const page = pages.find((each) => each.name === name)
    const unknown = Object.keys(inputs).find((each) => page && !page.inputs.some((input) => input.name === each))
    if (unknown !== undefined)
      throw usageError(
        `The page ${name!} has no input \`${unknown}\`.`,
        `It has ${page!.inputs.map((input) => input.name).join(', ') || 'none'}.`,
      )
    const answer = await answerPage(name!, inputs, io.stopSignal(flags.json))
    if (flags.json) io.out(`${JSON.stringify(answer, undefined, 2)}\n`)
    else {
      const problems = answer.inputs.flatMap((each) => (each.problem ? `${each.name}: ${each.problem}\n` : []))
      const parts = answer.elements.map((element, i) => shown(element, page!.elements[i]!.empty))
      io.out([...problems, ...parts].join('\n'))
    }
    return answer.elements.some(({ state }) => state === 'failed') ? 1 : 0
  },
})

function split(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`--input takes NAME=VALUE, not \`${text}\`.`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function shown(element: ElementAnswer, empty = 'Nothing found.'): string {
  const title = element.title ? `${element.title}\n` : ''
  switch (element.state) {
    case 'waiting':
      return `${title}Waits for ${element.inputs.join(', ')}.\n`
    case 'failed':
      return `${title}${element.code}: ${element.message}\n${element.hint ? `  ${element.hint}\n` : ''}`
    case 'live':
      return `${title}Shown live by the console.\n`
    case 'answered': {
      if (element.rows.length === 0) return `${title}${empty}\n`
      const rows = element.rows.map((row) => Object.fromEntries(element.columns.map(({ name }, i) => [name, row[i]])))
      return `${title}${rowTable(rows)}${element.cut ? `The first ${element.rows.length} of ${element.total} rows.\n` : ''}`
    }
  }
}
