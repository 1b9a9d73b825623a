/**
 * What keeps packages fit for a registry: the rules behind `npm run publishable` detect each fault, and nobody is sent
 * to npm before there is a release.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { howToInstall, released } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { type Contents, type Expected, prematureInstalls, problemsOf } from '../scripts/release/rules.ts'

const root = resolve(import.meta.dirname, '..')
const page = 'https://github.com/acme/acme'

const expected: Expected = {
  licence: 'the licence',
  engines: '>=24',
  local: ['/home/somebody/acme'],
  released: false,
  repository: { page, has: (path) => ['packages/source-acme/package.json', 'docs/guide.md'].includes(path) },
}

const manifest = {
  name: '@millrace/source-acme',
  version: '0.1.0',
  description: 'Reads what Acme keeps, page by page',
  keywords: ['millrace', 'source', 'acme'],
  homepage: page,
  bugs: `${page}/issues`,
  repository: { type: 'git', url: `git+${page}.git`, directory: 'packages/source-acme' },
  license: 'Apache-2.0',
  author: 'Acme',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
  engines: { node: '>=24' },
  millrace: { connectors: ['./dist/index.js'] },
  dependencies: { '@millrace/formats': '^0.1.0', mongodb: '7.8.0' },
  peerDependencies: { '@millrace/core': '^0.1.0' },
}

const readme = `# @millrace/source-acme\n\nReads [what Acme keeps](${page}/blob/main/docs/guide.md). ${'It has much to say. '.repeat(12)}\n`

function contents(change: object = {}, files: Readonly<Record<string, string | undefined>> = {}): Contents {
  const all = {
    'package.json': '{}',
    LICENSE: 'the licence',
    'README.md': readme,
    'dist/index.js': '',
    'dist/index.d.ts': '',
    'src/index.ts': '',
    ...files,
  }
  return {
    manifest: { ...manifest, ...change },
    files: new Map(
      Object.entries(all).flatMap(([path, text]) => (text === undefined ? [] : [[path, Buffer.from(text)] as const])),
    ),
  }
}

describe('the rules of what is published', () => {
  it('find nothing wrong with a package that has all', () => {
    expect(problemsOf(contents(), expected)).toEqual([])
  })

  it.each<[string, object]>([
    ['it is private', { private: true }],
    ['description', { description: 'A source' }],
    ['keywords', { keywords: ['millrace'] }],
    ['author', { author: undefined }],
    ['licence', { license: 'MIT' }],
    ['engines', { engines: {} }],
    ['another repository', { repository: { ...manifest.repository, url: 'git+https://github.com/other/acme.git' } }],
    ['directory', { repository: { ...manifest.repository, directory: 'packages/gone' } }],
    ['homepage', { homepage: undefined }],
    ['next patch', { peerDependencies: { '@millrace/core': '0.1.0' } }],
    ['next patch', { peerDependencies: { '@millrace/core': '>=0.1.0' } }],
    ['next patch', { dependencies: { '@millrace/formats': '0.1.0' } }],
    ['no range', { dependencies: { '@millrace/formats': 'file:../formats' } }],
    ['./dist/gone.js, which is not packed', { exports: { '.': './dist/gone.js' } }],
    ['./bin/gone.mjs, which is not packed', { bin: { acme: './bin/gone.mjs' } }],
    ['./dist/gone.js, which is not packed', { millrace: { connectors: ['./dist/gone.js'] } }],
    ['no millrace.connectors', { millrace: undefined }],
    ['no exports', { exports: undefined }],
  ])('%s', (problem, change) => {
    expect(problemsOf(contents(change), expected)).toEqual([expect.stringContaining(problem)])
  })

  it.each<[string, string, string | undefined]>([
    ['LICENSE', 'LICENSE', undefined],
    ['not for readers', 'dist/.tsbuildinfo', ''],
    ['not for readers', 'test/contract.test.ts', ''],
    ['left over', 'dist/gone.js', ''],
    ['names a folder of this machine', 'src/index.ts', "import '/home/somebody/acme/core.ts'"],
    ['README.md: missing', 'README.md', undefined],
    ['leads nowhere on a registry', 'README.md', readme.replace(`${page}/blob/main/`, '../../')],
    ['leads nowhere', 'README.md', readme.replace('guide.md', 'gone.md')],
    ['leads nowhere', 'README.md', readme.replace('acme/acme', 'acme/other')],
    ['not on npm yet', 'README.md', `${readme}\n    npm install @millrace/source-acme\n`],
  ])('%s: %s', (problem, path, text) => {
    expect(problemsOf(contents({}, { [path]: text }), expected)).toEqual([expect.stringContaining(problem)])
  })

  it('let the command name exact versions, and a README name npm once there is a release', () => {
    const command = { bin: { acme: './dist/index.js' }, dependencies: { '@millrace/formats': '0.1.0' } }
    const told = { 'README.md': `${readme}\n    npm install @millrace/source-acme\n` }
    expect(problemsOf(contents(command, told), { ...expected, released: true })).toEqual([])
  })
})

describe('before the first release', () => {
  it('no text sends anybody to npm for what is not there', () => {
    // Text that appears only after the release, and the tests and rules that look for it.
    const maySay = [
      'packages/core/src/registry/install.ts',
      'scripts/packages.ts',
      'scripts/release/',
      'test/publishable.test.ts',
    ]
    const files = execFileSync(
      'git',
      ['ls-files', '--cached', '--others', '--exclude-standard', '*.md', '*.ts', '*.mjs', '*.cjs'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    )
    const told = files
      .split('\n')

      .filter(
        (path) =>
          existsSync(join(root, path)) &&
          path.includes('.') &&
          !path.startsWith('docs/decisions/') &&
          !maySay.some((start) => path.startsWith(start)),
      )
      .flatMap((path) => prematureInstalls(readFileSync(join(root, path), 'utf8')).map((line) => `${path}: ${line}`))
    expect(released ? [] : told).toEqual([])
  })

  it('a hint says how to have a package of ours from a clone', () => {
    const told = howToInstall('@millrace/sink-s3')
    expect(told).toContain('@millrace/sink-s3')
    expect(prematureInstalls(told)).toHaveLength(released ? 1 : 0)
    if (!released) expect(told).toContain('npm install CLONE/packs/*.tgz')
  })
})
