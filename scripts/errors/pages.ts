/**
 * The error pages: by part and area, each code with what it means, an example as the command prints it, and its fix.
 */
import type { CataloguePart } from '../../packages/core/src/index.ts'
import { type CatalogueArea, catalogueAreas } from './areas.ts'
import { type Example, examples } from './examples.ts'
import { mends } from '../../test/corpus/mends.ts'
import { answerExamples, requestText, shownAnswers } from './answers.ts'
import { shown, shownFinding, specOf } from './show.ts'

const parts: readonly {
  readonly part: CataloguePart
  readonly file: string
  readonly title: string
  readonly about: string
}[] = [
  {
    part: 'finding',
    file: 'check',
    title: 'Errors of the check',
    about:
      '`pipe check` and every command that runs a spec report these, all at once, with file, line and column. Exit code 2. Nothing was connected to and nothing was read.',
  },
  {
    part: 'bad record',
    file: 'records',
    title: 'Bad records',
    about:
      'One record cannot pass. `on_error` says what becomes of it: the run stops (the default, as in these examples), it goes to the dead letter, it is dropped and counted, or it is refused to its sender. See [bad data](../../guide/bad-data.md).',
  },
  {
    part: 'run',
    file: 'runs',
    title: 'Errors of a run',
    about:
      'What stops a run or a command. Exit code 1: the run failed; 2: what was asked is wrong; 3: the environment is. What was saved stays saved: the next run goes on from there.',
  },
  {
    part: 'answer',
    file: 'answers',
    title: 'Answers of a gateway',
    about:
      'What a client reads as `error` in the body of an answer that is no success. See [source-http](../../../packages/source-http/README.md).',
  },
]

const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

/** All pages, by path. */
export async function errorPages(note: string): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>([['docs/generated/errors.md', `${note}${indexPage()}`]])
  for (const { part, file, title, about } of parts) {
    const sections = await Promise.all(catalogueAreas.filter((each) => each.part === part).map(section))
    pages.set(`docs/generated/errors/${file}.md`, `${note}# ${title}\n\n${about}\n\n${sections.join('\n')}`)
  }
  return pages
}

function indexPage(): string {
  const lists = parts.map(({ part, file, title }) => {
    const rows = catalogueAreas
      .filter((area) => area.part === part)
      .map(
        (area) =>
          `| [${area.title}](errors/${file}.md#${anchor(area.title)}) | ${Object.keys(area.entries)
            .map((code) => `[\`${code}\`](errors/${file}.md#${code})`)
            .join(', ')} |`,
      )
    return `## ${title}\n\n| area | codes |\n|---|---|\n${rows.join('\n')}\n`
  })
  return `# Errors\n\nEvery code that \`pipe\` reports, by area. A code keeps its meaning for good. Examples are what the command prints; [a test](../../test/errors.test.ts) runs each of them, and its mend.\n\n${lists.join('\n')}`
}

async function section({ part, title, entries }: CatalogueArea): Promise<string> {
  const codes = await Promise.all(
    Object.entries(entries).map(async ([code, entry]) => {
      const warning = entry.severity === 'warning' ? ' *(warning)*' : ''
      const hint = entry.hint ? `\n\nWhat to do: ${entry.hint}.` : ''
      return `### ${code}\n\n${capital(entry.title)}${warning}. ${entry.explanation}${hint}\n${await example(part, code)}`
    }),
  )
  return `## ${title}\n\n${codes.join('\n')}`
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)
const block = (language: string, text: string): string => `\n\`\`\`${language}\n${text.trimEnd()}\n\`\`\`\n`

async function example(part: CataloguePart, code: string): Promise<string> {
  if (part === 'finding') return mends[code] ? findingExample(code) : ''
  if (part === 'answer') return answerExamples[code] ? answerExample(code) : ''
  const own = examples[part][code]
  return own ? runExample(own, code) : ''
}

let answers: ReturnType<typeof shownAnswers> | undefined
async function answerExample(code: string): Promise<string> {
  const { requests, mend } = answerExamples[code]!
  const { wrong, right } = (await (answers ??= shownAnswers())).get(code)!
  const asked = requests.map((request) => block('http', requestText(request))).join('\nand then\n')
  return `${asked}\nis answered with\n${block('http', wrong)}\nMended:\n${block('http', requestText(mend))}${block('http', right)}`
}

async function findingExample(code: string): Promise<string> {
  const mend = mends[code]!
  const { printed } = await shownFinding(code)
  const { wrong, right } = specOf(mend)
  const more = Object.entries(mend.files ?? {}).map(([path, text]) => `In \`${path}\`:\n${block('yaml', text)}`)
  const given = [
    ...(mend.profile ? [`--profile ${mend.profile}`] : []),
    ...Object.entries(mend.set ?? {}).map(([name, value]) => `--set ${name}=${value}`),
    ...Object.entries(mend.env ?? {}).map(([name, value]) => `${name}=${value} in the environment`),
  ]
  const diff = wrong === right ? '' : block('diff', changed(wrong, right))
  const words = given.length > 0 ? `\nMended by \`${given.join('`, `')}\`.\n` : ''
  return `${block('text', printed)}${diff || more.length > 0 ? `\nMended:\n${diff}` : ''}${more.join('\n')}${words}`
}

async function runExample(own: Example, code: string): Promise<string> {
  const { wrong } = await shown(own)
  // What comes before it is about the way there, with times that differ on each run.
  const at = wrong.printed.indexOf(`error ${code}`)
  if (at < 0) throw new Error(`the example of ${code} prints\n${wrong.printed}`)
  const printed = wrong.printed.slice(at)
  const before = own.run.flatMap((step) =>
    typeof step === 'string' ? [`pipe ${step}`] : [`# ${Object.keys(step).join(' and ')} changed`],
  )
  const files = Object.entries(own.files).map(
    ([path, content]) => `\`${path}\`\n${block(languageOf(path), shortened(textOf(content)))}`,
  )
  const now = new Map<string, string>(Object.entries(own.files).map(([path, content]) => [path, textOf(content)]))
  for (const step of own.run) {
    if (typeof step === 'string') continue
    for (const [path, content] of Object.entries(step)) {
      files.push(`\`${path}\`, changed\n${block('diff', changed(now.get(path) ?? '', textOf(content)))}`)
      now.set(path, textOf(content))
    }
  }
  const mended = Object.entries(own.mend.files ?? {}).map(([path, content]) => {
    const was = now.get(path)
    return was === undefined
      ? `\`${path}\`\n${block(languageOf(path), shortened(textOf(content)))}`
      : `\`${path}\`\n${block('diff', shortened(changed(was, textOf(content))))}`
  })
  const run = own.mend.run ? block('sh', own.mend.run.map((line) => `pipe ${line}`).join('\n')) : ''
  return `\n${files.join('\n')}${block('sh', before.join('\n'))}${block('text', printed)}\nMended:\n${mended.length > 0 ? `\n${mended.join('\n')}` : ''}${run}`
}

const languageOf = (path: string): string => /\.(yaml|csv|ts|jsonl)$/.exec(path)?.[1] ?? 'text'
const textOf = (content: string | Uint8Array): string =>
  typeof content === 'string' ? content : Buffer.from(content).toString('utf8')

/** Long lines and long files are shown only up to a point. */
function shortened(text: string): string {
  const lines = text.trimEnd().split('\n')
  const shown = lines.slice(0, 16).map((line) => (line.length > 160 ? `${line.slice(0, 60)}...` : line))
  return [...shown, ...(lines.length > 16 ? ['...'] : [])].join('\n')
}

/** The lines that are removed and added, between what is equal at both ends. */
function changed(before: string, after: string): string {
  const old = before.trimEnd().split('\n')
  const now = after.trimEnd().split('\n')
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let end = 0
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++
  const gone = old.slice(start, old.length - end).map((line) => `-${line}`)
  const come = now.slice(start, now.length - end).map((line) => `+${line}`)
  return [...gone, ...come].join('\n')
}
