import { defineCommand } from '../command.ts'
import { openPages } from '../pages.ts'
import { printFindings } from '../print/finding.ts'
import { table } from '../print/table.ts'
import { findRoot, textOf } from '../project.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'pages',
  summary: 'List the pages of the project.',
  details: 'A page with an error is not listed; `pipe check` says what is wrong with it.',
  flags: specFlags,
  examples: [
    ['pipe pages', 'The pages and what they ask for.'],
    ['pipe pages show invoices --input customer=17850', 'The answer of one of them.'],
  ],
  async run({ flags }, io) {
    const { pages, findings } = await openPages(flags, io)
    if (flags.json) {
      io.out(`${JSON.stringify(pages, undefined, 2)}\n`)
      return 0
    }
    if (findings.length > 0) printFindings(findings, 'text', io, (file) => textOf(findRoot(io.cwd), file))
    if (pages.length === 0) {
      io.out('There are no pages here. A page is a file `pages/NAME.yaml` beside `pipelines/`.\n')
      return 0
    }
    const columns = ['page', 'title', 'inputs', 'file'].map((title) => ({ title }))
    const rows = pages.map(({ name, title, inputs, file }) => [
      name,
      title,
      inputs.map((input) => `${input.name}: ${input.type}${input.optional ? '?' : ''}`).join(', '),
      file,
    ])
    io.out(table(columns, rows))
    return 0
  },
})
