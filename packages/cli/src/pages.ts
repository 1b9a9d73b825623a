/** The pages of a project: checked against what its pipelines write, and answered from there. */
import {
  answerPage,
  checkPages,
  collectionsOf,
  type Finding,
  MillraceError,
  type Page,
  type PageAnswer,
  pageFiles,
  type PageView,
  readPageFiles,
  rowsOf,
  systemClock,
} from '@millrace/core'
import type { Given } from './command.ts'
import { specsOf } from './find-spec.ts'
import type { Io } from './io.ts'
import { type Checked, checkSpecs, workspacesOf } from './spec.ts'
import type { specFlags } from './spec-flags.ts'

/** Pages that can be answered. */
export interface Pages {
  /** Those without errors. */
  readonly pages: readonly PageView[]
  /** Those of the page files; what is wrong with specs is not among them. */
  readonly findings: readonly Finding[]
  /** Throws `unknown_page`. A query that fails is part of the answer. */
  answerPage(page: string, inputs: Readonly<Record<string, string>>, signal: AbortSignal): Promise<PageAnswer>
}

/** Checks page files of one project; `checked`: all of its specs. */
export async function checkPageFiles(
  files: readonly string[],
  checked: readonly Checked[],
): Promise<{ readonly pages: readonly Page[]; readonly findings: readonly Finding[] }> {
  const [first] = checked
  if (!first || files.length === 0) return { pages: [], findings: [] }
  const plans = checked.flatMap(({ plan }) => plan ?? [])
  return checkPages(await readPageFiles(first.project.root, files), {
    collections: collectionsOf(plans),
    registry: first.registry,
    isPartial: plans.length < checked.length,
  })
}

/** Reads and checks the pages of the project that the command is run in. */
export async function openPages(flags: Given<typeof specFlags>['flags'], io: Io): Promise<Pages> {
  const checked = await checkSpecs(specsOf([], io), flags, io)
  const { root } = checked[0]!.project
  const { pages, findings } = await checkPageFiles(pageFiles(root), checked)
  const plans = checked.flatMap(({ plan }) => plan ?? [])
  const workspaces = await workspacesOf(root, plans, flags, io)
  const registries = new Map(checked.map(({ plan, registry }) => [plan, registry]))
  return {
    pages: pages.map(({ view }) => view),
    findings,
    answerPage(name, inputs, signal) {
      const page = pages.find(({ view }) => view.name === name)
      if (!page)
        throw new MillraceError('unknown_page', `There is no page \`${name}\` without errors.`, {
          exitCode: 2,
          hint: `Pages here: ${pages.map(({ view }) => view.name).join(', ') || 'none'}.`,
        })
      return answerPage(
        page,
        inputs,
        {
          rowsOf: (collection) => rowsOf(collection, registries.get(collection.plan)!, workspaces(collection.plan)),
          nowMs: () => systemClock.now(),
        },
        signal,
      )
    },
  }
}
