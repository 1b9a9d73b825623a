/** Finds and reads the page files of a project. */
import { join } from 'node:path'
import { createReport } from '../spec/finding.ts'
import { readYamlFile } from '../spec/project.ts'
import { yamlFiles } from '../spec/pipeline-files.ts'
import type { PageFile } from './check.ts'

/** The pages of a project: `pages/*.yaml`, absolute. */
export const pageFiles = (root: string): readonly string[] => yamlFiles(join(root, 'pages'), false).toSorted()

/** Reads page files. Never throws because of their content. */
export const readPageFiles = (root: string, paths: readonly string[]): Promise<readonly PageFile[]> =>
  Promise.all(
    paths.map(async (path) => {
      const report = createReport()
      const { file, tree } = await readYamlFile(root, path, report)
      return { file, tree, findings: report.findings() }
    }),
  )
