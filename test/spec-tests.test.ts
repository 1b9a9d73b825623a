/** Every spec of pipelines/ and examples/ has a test file beside it, whose cases pass without touching anything. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { pipe } from '../packages/cli/test/terminal.ts'

const root = resolve(import.meta.dirname, '..')
const specs = globSync('{pipelines,examples}/*/*.yaml', { cwd: root })
  .filter((path) => !/(\.test|millrace)\.yaml$/.test(path))
  .toSorted()

it('finds them', () => expect(specs.length).toBeGreaterThan(20))

it.each(specs)('%s', { timeout: 60_000 }, async (spec) => {
  const test = join(root, spec.replace(/\.yaml$/, '.test.yaml'))
  const files = () => globSync('**/*', { cwd: join(root, dirname(spec)) }).toSorted()
  const [before, text] = [files(), readFileSync(test, 'utf8')]
  const { code, out, err } = await pipe(['test', test], root)
  expect(code, out + err).toBe(0)
  expect(out).toMatch(/killed \d+ times/)
  expect(files()).toEqual(before)
  expect(readFileSync(test, 'utf8')).toBe(text)
})

it.each(['amazon-products', 'aws-oltp-olap', 'customer-service', 'document-stream'])(
  '%s gives the same on Kafka and MongoDB, without them',
  { timeout: 60_000 },
  async (name) => {
    const { code, out, err } = await pipe(['test', '--profile', 'kafka-mongo'], join(root, 'pipelines', name))
    expect(code, out + err).toBe(0)
  },
)
