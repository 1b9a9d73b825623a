/**
 * Reads everything that a check needs, so that the check itself does no I/O: the spec, millrace.yaml, the profile, and
 * the schema files that they name. Problems of the files themselves (missing, not YAML, an interpolation without a
 * value) are found here; check/ judges their meaning.
 */
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { createReport, type Finding, type Report } from './finding.ts'
import { interpolate, secretVariable, type Values } from './interpolate.ts'
import { entryOf, type MapEntry, type Place, type SourceFile, type SpecNode } from './tree.ts'
import { pipelineFiles } from './pipeline-files.ts'
import { readVars } from './vars.ts'
import { maxBytes, parseYaml } from './yaml.ts'

/** Which spec to read, and its surroundings. */
export interface ProjectOptions {
  /** The spec file. */
  readonly spec: string
  /** Default `local`. */
  readonly profile?: string | undefined
  /** Values of vars, from `--set name=value`. */
  readonly set?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A folder with one file per secret. */
  readonly secretsDir?: string | undefined
  /** The project's folder; default: found from the spec. */
  readonly root?: string
  /**
   * Texts to read instead of the files on disk, by absolute path; null: there is no such file. With them, what the spec
   * runs after is not read: it was checked when the texts were accepted.
   */
  readonly texts?: ReadonlyMap<string, string | null> | undefined
}

/** A schema file as read; `tree` is absent if it could not be parsed. */
export interface SchemaFile {
  readonly file: SourceFile
  readonly tree?: SpecNode
  readonly missing?: boolean
}

/** Another pipeline of the project. */
export interface OtherPipeline {
  /** The pipelines that it runs after itself. */
  readonly after: readonly string[]
  readonly project: Project
}

/** The project as read: everything a check needs except the connectors. */
export interface Project {
  /** Absolute. */
  readonly root: string
  /** The spec file, relative to the root. */
  readonly file: string
  /** The spec, interpolated; absent if it could not be read. */
  readonly spec?: SpecNode
  readonly profile: string
  /** profiles/<profile>.yaml as written: a binding is interpolated when it is used. */
  readonly profileTree?: SpecNode
  /** millrace.yaml */
  readonly projectTree?: SpecNode
  /** `name` of millrace.yaml. */
  readonly name?: string
  readonly values: Values
  /** By the path as written in the spec. */
  readonly schemas: ReadonlyMap<string, SchemaFile>
  /** If the spec runs after other pipelines: those of the project, by name. */
  readonly others?: ReadonlyMap<string, OtherPipeline>
  /** What was read, by absolute path; null: there is no such file. `ProjectOptions.texts` reads the same again. */
  readonly texts: ReadonlyMap<string, string | null>
  /** The findings so far. */
  readonly findings: readonly Finding[]
}

/** Never throws because of the content of files; a missing spec file is also a finding. */
export async function readProject(options: ProjectOptions): Promise<Project> {
  const project = await readOne(options)
  if (options.texts || !afterOf(project.spec)) return project
  return { ...project, others: await readOthers(project.root, resolve(options.spec), options) }
}

/** A spec without what it runs after. */
async function readOne(options: ProjectOptions): Promise<Project> {
  const specPath = resolve(options.spec)
  const root = options.root ? resolve(options.root) : await projectRoot(dirname(specPath))
  const profile = options.profile ?? 'local'
  const file = shownPath(root, specPath)
  const report = createReport(file)
  const files: Files = { given: options.texts, texts: new Map() }
  const [specFile, projectFile, profileFile, secretFiles] = await Promise.all([
    readText(root, specPath, files),
    readText(root, join(root, 'millrace.yaml'), files),
    readText(root, join(root, 'profiles', `${profile}.yaml`), files),
    options.secretsDir ? readdir(options.secretsDir).catch((): string[] => []) : ([] as string[]),
  ])
  const specTree = parse(specFile, report)
  const projectTree = projectFile.missing ? undefined : parse(projectFile, report)
  const profileTree = profileFile.missing ? undefined : parse(profileFile, report)
  if (profileFile.missing && profile !== 'local')
    report('profile_missing', top(specFile.file), '', `there is no profile \`${profile}\``, {
      expected: profileFile.file.path,
    })
  const env = options.env ?? process.env
  const hasSecret = (name: string) => Boolean(env[secretVariable(name)]) || secretFiles.includes(name)
  const vars = readVars(specTree, profileTree, options.set ?? {}, { env, hasSecret }, report)
  const values: Values = { env, hasSecret, vars }
  const spec = specTree && interpolateSpec(specTree, values, report)
  const schemas = await readSchemas(root, [spec, profileTree], report, files)
  const trees = {
    spec,
    profileTree,
    projectTree,
    ...nameOf(projectTree),
  }
  return { root, file, profile, ...trees, values, schemas, texts: files.texts, findings: report.findings() }
}

function nameOf(projectTree: SpecNode | undefined) {
  const node = projectTree && entryOf(projectTree, 'name')?.value
  return node?.kind === 'scalar' && typeof node.value === 'string' ? { name: node.value } : {}
}

/** The state folder that millrace.yaml names, absolute; undefined: none. */
export async function stateSetting(root: string): Promise<string | undefined> {
  const read = await readText(root, join(root, 'millrace.yaml'))
  const tree = read.missing || read.problem ? undefined : parse(read, createReport(read.file.path))
  const node = tree && entryOf(tree, 'state')?.value
  return node?.kind === 'scalar' && typeof node.value === 'string' ? resolve(root, node.value) : undefined
}

/** The entry `schedule.after` of a spec. */
const afterOf = (spec: SpecNode | undefined): MapEntry | undefined => {
  const schedule = entryOf(spec, 'schedule')
  return schedule?.value && entryOf(schedule.value, 'after')
}

/** The pipelines of the project beside a spec, as they are without `--set`. */
async function readOthers(
  root: string,
  spec: string,
  { profile, env, secretsDir }: ProjectOptions,
): Promise<ReadonlyMap<string, OtherPipeline>> {
  const others = new Map<string, OtherPipeline>()
  for (const path of pipelineFiles(root)) {
    if (path === spec) continue
    const project = await readOne({ spec: path, root, profile, env, secretsDir })
    const name = entryOf(project.spec, 'name')?.value
    if (name?.kind !== 'scalar') continue
    const after = afterOf(project.spec)?.value
    const names = after?.kind === 'list' ? after.items : []
    others.set(name.text, { after: names.flatMap((item) => (item.kind === 'scalar' ? [item.text] : [])), project })
  }
  return others
}

/** Everything but `vars`, which are interpolated where they are read. */
function interpolateSpec(tree: SpecNode, values: Values, report: Report): SpecNode {
  if (tree.kind !== 'map') return tree
  return {
    ...tree,
    entries: tree.entries.map((entry) =>
      entry.key === 'vars' ? entry : { ...entry, value: interpolate(entry.value, entry.key, values, report) },
    ),
  }
}

/**
 * The folder of the project: the nearest parent folder with millrace.yaml, else with package.json, else the folder of
 * the spec.
 */
export async function projectRoot(folder: string): Promise<string> {
  let packageRoot: string | undefined
  for (let at = folder; ; at = dirname(at)) {
    if (await isFile(join(at, 'millrace.yaml'))) return at
    if (!packageRoot && (await isFile(join(at, 'package.json')))) packageRoot = at
    if (dirname(at) === at) return packageRoot ?? folder
  }
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false

/** The names of a project's profiles; always includes `local`. */
export async function profileNames(root: string): Promise<readonly string[]> {
  const files = await readdir(join(root, 'profiles')).catch(() => [])
  return [
    ...new Set(['local', ...files.filter((name) => name.endsWith('.yaml')).map((name) => basename(name, '.yaml'))]),
  ].sort()
}

/** A path as findings name it. */
export const shownPath = (root: string, path: string): string => {
  const inside = relative(root, path)
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/')
}

interface ReadFile {
  readonly file: SourceFile
  readonly missing?: boolean
  readonly problem?: { readonly code: 'file_unreadable' | 'yaml_too_large' | 'not_utf8'; readonly message: string }
}

/** Texts that are read instead of files, and what was read. */
interface Files {
  readonly given: ReadonlyMap<string, string | null> | undefined
  readonly texts: Map<string, string | null>
}

/** The text of a file, up to slightly more than may be parsed; never throws. */
async function readText(root: string, path: string, files?: Files): Promise<ReadFile> {
  const name = shownPath(root, path)
  const empty = { path: name, text: '' }
  const given = files?.given?.get(path)
  if (given !== undefined) files!.texts.set(path, given)
  if (given !== undefined)
    return given === null ? { file: empty, missing: true } : { file: { path: name, text: given } }
  try {
    const handle = await open(path)
    try {
      if ((await handle.stat()).size > maxBytes)
        return { file: empty, problem: { code: 'yaml_too_large', message: 'the file is larger than 256 KiB' } }
      const bytes = await handle.readFile()
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      files?.texts.set(path, text)
      return { file: { path: name, text } }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      files?.texts.set(path, null)
      return { file: empty, missing: true }
    }
    if (error instanceof TypeError)
      return { file: empty, problem: { code: 'not_utf8', message: 'the file is not UTF-8 text' } }
    return {
      file: empty,
      problem: { code: 'file_unreadable', message: `the file cannot be read: ${(error as Error).message}` },
    }
  }
}

/** A YAML file beside a spec; `path` is absolute. `tree` is absent if it could not be read: the report says why. */
export async function readYamlFile(
  root: string,
  path: string,
  report: Report,
): Promise<{ readonly file: SourceFile; readonly tree?: SpecNode | undefined }> {
  const read = await readText(root, path)
  return { file: read.file, tree: parse(read, report) }
}

const top = (file: SourceFile): Place => ({ file, start: 0, end: 0 })

function parse(read: ReadFile, report: Report): SpecNode | undefined {
  if (read.missing) report('file_missing', top(read.file), '', `there is no file ${read.file.path}`)
  else if (read.problem) report(read.problem.code, top(read.file), '', read.problem.message)
  else return parseYaml(read.file, report)
  return undefined
}

/** Reads the files named by a key `schema` (or one that ends in `_schema`), once each. */
async function readSchemas(
  root: string,
  trees: readonly (SpecNode | undefined)[],
  report: Report,
  files: Files,
): Promise<ReadonlyMap<string, SchemaFile>> {
  const paths = new Set<string>()
  const collect = (node: SpecNode) => {
    if (node.kind === 'list') node.items.forEach(collect)
    if (node.kind !== 'map') return
    for (const { key, value } of node.entries) {
      if (/(^|_)schema$/.test(key) && value.kind === 'scalar' && typeof value.value === 'string' && !value.broken)
        paths.add(value.value)
      else collect(value)
    }
  }
  for (const tree of trees) if (tree) collect(tree)
  const schemas = new Map<string, SchemaFile>()
  await Promise.all(
    [...paths].map(async (path) => {
      const read = await readText(root, resolve(root, path), files)
      const tree = read.missing ? undefined : parse(read, report)
      schemas.set(path, { file: read.file, tree, missing: read.missing })
    }),
  )
  return schemas
}
