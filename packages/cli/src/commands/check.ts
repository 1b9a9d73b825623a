import { relative, resolve } from 'node:path'
import { pageFiles } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { checkPageFiles } from '../pages.ts'
import { type Format, formats, printFindings } from '../print/finding.ts'
import { specsOf } from '../find-spec.ts'
import { checkProfiles } from '../profiles.ts'
import { checkSpecs } from '../spec.ts'
import { findRoot, textOf } from '../project.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'check',
  summary:
    'Check specs and pages without connecting to anything: names, types, expressions and delivery. Reports every finding at once.',
  details: 'Exit code 0: no errors; 2: at least one error. Warnings do not affect it.',
  args: [['[SPEC...]', 'Files or pipeline names; default: all pipelines and pages of the project.']],
  flags: {
    ...specFlags,
    'all-profiles': {
      type: 'boolean',
      description: 'Check under every profile of the project and under local; each finding names its profile.',
    },
    format: { type: 'text', value: 'FORMAT', description: `${formats.join(', ')}; default text.` },
  },
  examples: [
    ['pipe check', 'Every pipeline and page of this project.'],
    ['pipe check pipelines/orders.yaml', 'One spec.'],
    ['pipe check --all-profiles', 'The same specs, bound to every system they can run on.'],
    ['pipe check --format github', 'Findings as annotations on a pull request.'],
  ],
  async run({ flags, args }, io) {
    const format = (flags.json ? 'json' : (flags.format ?? 'text')) as Format
    if (!formats.includes(format))
      throw usageError(`There is no format \`${format}\`.`, `Formats are ${formats.join(', ')}.`)
    if (flags['all-profiles'] && flags.profile !== undefined)
      throw usageError('--profile and --all-profiles cannot be combined.')
    const wanted = args.filter((arg) => !isPage(arg))
    const pagesOnly = args.length > 0 && wanted.length === 0
    const specs = specsOf(pagesOnly ? [] : wanted, io)
    const root = findRoot(io.cwd)
    // Pages depend on all specs of the project.
    const files = args.length === 0 ? pageFiles(root) : args.filter(isPage).map((arg) => resolve(io.cwd, arg))
    const all = flags['all-profiles'] ? await checkProfiles(specs, flags, io, files) : undefined
    const checked = all?.checked ?? (await checkSpecs(specs, flags, io))
    const pages = all ? { findings: [] } : await checkPageFiles(files, checked)
    const findings = all?.findings ?? [...checked.flatMap((each) => each.findings), ...pages.findings]
    printFindings(findings, format, io, (file) => textOf(checked[0]!.project.root, file))
    const errors = findings.filter((finding) => finding.severity === 'error').length
    if (format === 'text') {
      const warnings = findings.length - errors
      const shown = files.map((file) => relative(root, file))
      const names = [...(pagesOnly ? [] : checked.map((each) => each.plan?.name ?? each.project.file)), ...shown]
      io.out(
        errors
          ? `${plural(errors, 'error')}${warnings ? `, ${plural(warnings, 'warning')}` : ''}\n`
          : `${names.join(', ')}: valid${all ? ` under ${all.profiles.join(', ')}` : ''}${warnings ? `, ${plural(warnings, 'warning')}` : ''}\n`,
      )
    }
    return errors ? 2 : 0
  },
})

/** A page, among the arguments. */
const isPage = (path: string): boolean => /(^|[\\/])pages[\\/][^\\/]+\.ya?ml$/.test(path)

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`
