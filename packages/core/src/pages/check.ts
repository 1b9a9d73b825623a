/** Checks the pages of a project against the collections that its pipelines write. Does no I/O. */
import { createReport, type Finding, type Report } from '../spec/finding.ts'
import { readKeys, type ReadKeys } from '../spec/read.ts'
import type { SourceFile, SpecNode } from '../spec/tree.ts'
import { readElements } from './elements.ts'
import { readInputs } from './inputs.ts'
import type { Page, PageInput } from './page.ts'
import { readQueries } from './queries.ts'
import type { CheckingQuery, PageHead, PageReading, PagesContext } from './reading.ts'
import { pageShape } from './shape.ts'

/** A page file as read. */
export interface PageFile {
  readonly file: SourceFile
  /** Absent: it is not YAML, which `findings` says. */
  readonly tree?: SpecNode | undefined
  readonly findings: readonly Finding[]
}

interface NamedPage extends PageHead {
  readonly given: PageFile
  readonly report: Report
  readonly read: ReadKeys
  readonly name: string
  readonly brokenInputs: ReadonlySet<string>
  readonly shown: readonly PageInput[]
}

/** Checks pages; those with an error are left out. Never throws because of their content. */
export function checkPages(
  files: readonly PageFile[],
  context: PagesContext,
): { readonly pages: readonly Page[]; readonly findings: readonly Finding[] } {
  const heads = files.flatMap((given): NamedPage[] => (given.tree ? [headOf(given, given.tree)] : []))
  const named = new Map<string, NamedPage>()
  for (const head of heads) {
    const { name, report, read } = head
    if (named.has(name))
      report('bad_value', read.keys.get('name')!.value.place, 'name', `another page is called \`${name}\``, {
        hint: 'rename it',
      })
    else named.set(name, head)
  }
  const pages = heads.flatMap((head): Page[] => {
    const page = pageOf(head, named, context)
    return head.report.errors() > 0 ? [] : [page]
  })
  const findings = [
    ...files.flatMap((each) => (each.tree ? [] : each.findings)),
    ...heads.flatMap(({ report }) => report.findings()),
  ]
  return { pages, findings }
}

function headOf(given: PageFile, tree: SpecNode): NamedPage {
  const report = createReport(given.file.path, given.findings)
  const read = readKeys(tree, pageShape, '', report)
  const { version, name } = read.values
  if (version !== undefined && version !== 1)
    report('bad_value', read.keys.get('version')!.value.place, 'version', `there is no version ${String(version)}`, {
      expected: '1',
    })
  const { inputs, broken, shown } = readInputs(read.keys.get('inputs'), report)
  return { given, report, read, name: typeof name === 'string' ? name : '', inputs, brokenInputs: broken, shown }
}

function pageOf(head: NamedPage, pages: ReadonlyMap<string, PageHead>, context: PagesContext): Page {
  const { given, report, read, name, inputs, brokenInputs, shown } = head
  const { keys, values } = read
  const queries = new Map<string, CheckingQuery>()
  const reading: PageReading = { file: given.file, report, context, inputs, brokenInputs, queries, pages }
  readQueries(keys.get('queries'), keys.get('connection')?.value, reading, queries)
  const elements = readElements(keys.get('elements'), reading)
  for (const [query, { isUsed, keyPlace }] of queries)
    if (!isUsed.value && report.errors() === 0)
      report('unused_query', keyPlace, `queries.${query}`, `no element shows the query \`${query}\``)
  const refresh = values['refresh'] as 'live' | number | undefined
  const { title = name, description } = values
  const read_ = [...queries.values()].flatMap(({ query: { collection } }) => (collection ? [collection] : []))
  const collections = [...new Map(read_.map((each) => [each.name, each])).values()]
  return {
    inputs,
    elements,
    queries: new Map([...queries].map(([each, { query }]) => [each, query])),
    view: {
      name,
      title: String(title),
      ...(description === undefined ? {} : { description: String(description) }),
      file: given.file.path,
      ...(refresh === undefined ? {} : { refresh }),
      collections: collections.map(({ name: collection, sink }) => ({
        connection: sink.connection ?? sink.id,
        collection,
      })),
      inputs: shown,
      elements: elements.map(({ element }) => element),
    },
  }
}
