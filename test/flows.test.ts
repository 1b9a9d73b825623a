/**
 * The documented flows, each from its client's file to its store with the real command; with real servers up, on both
 * profiles from the same specs.
 */
import { randomUUID } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { amazonSample, liveUrl, retailSample } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { collect, exportCollection, linesOf, messagesOf, type Place } from '../scripts/accept/stores.ts'
import { flows } from '../scripts/flow/flows.ts'
import { runFlow } from '../scripts/flow/run.ts'

const root = join(import.meta.dirname, '..')
const [kafka, mongodb] = [liveUrl('KAFKA'), liveUrl('MONGODB')]
const [kinesis, dynamodb, s3] = [liveUrl('KINESIS'), liveUrl('DYNAMODB'), liveUrl('S3')]
/** Flows that have the profile `aws`. */
const onAws = ['customer-service', 'document-stream']
const databases: Readonly<Record<string, string>> = {
  'customer-service': 'customer-events',
  'document-stream': 'docstreaming',
  'amazon-products': 'docstreaming',
}
const echoes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'document-stream': [['ingestion-topic', 'spark-output']],
  'amazon-products': [
    ['ingest-product', 'spark-output-product'],
    ['ingest-category', 'spark-output-category'],
  ],
}

/** Small input files for a flow. */
function inputsOf(name: string): string[] {
  const folder = freshFolder()
  const { products, categories } = amazonSample({ products: 400 })
  const files = name === 'amazon-products' ? [products, categories] : [retailSample({ rows: 600, badDates: 3 })]
  return files.map((bytes, i) => {
    const path = join(folder, `input-${i}.csv`)
    writeFileSync(path, bytes)
    return path
  })
}

/** Every spec, schema and line of millrace.yaml, by path. */
const specsIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    globSync(['*.yaml', 'schemas/*'], { cwd: folder })
      .toSorted()
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  )

/** Runs a flow in a fresh place; returns the contents of its collections, as the text of their exports. */
async function ran(name: string, profile: string, inputs: readonly string[]) {
  const folder = join(freshFolder(), profile)
  mkdirSync(folder)
  const env = {
    KAFKA_BROKER: kafka ?? '',
    MONGODB_URL: mongodb ?? '',
    AWS_ENDPOINT_URL_KINESIS: kinesis ?? '',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb ?? '',
    AWS_ENDPOINT_URL_S3: s3 ?? '',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    NAME_PREFIX: profile === 'local' ? '' : `test-${randomUUID().slice(0, 8)}-`,
  }
  const place: Place = { profile, folder, env }
  const run = (more: readonly string[] = inputs) =>
    runFlow(name, flows[name]!, { profile, inputs: more, out: folder, env, stopAfterMs: 90_000 })
  const stored = async () => {
    const texts: Record<string, string> = {}
    for (const collection of [...flows[name]!.collections.map((c) => c.name), ...reportsOf(name)]) {
      const path = join(folder, `${collection}.jsonl`)
      await exportCollection(place, databases[name]!, collection, path)
      texts[collection] = readFileSync(path, 'utf8')
    }
    return texts
  }
  return { place, first: await run(), run, stored }
}

const reportsOf = (name: string): string[] =>
  name === 'amazon-products' ? ['price-buckets', 'in-no-price-bucket', 'items-per-category', 'average-price'] : []

/** Flow 5 has a test of its own. */
const posting = Object.keys(flows).filter((name) => flows[name]!.posts.length > 0 && name !== 'aws-oltp-olap')

describe.each(posting)('the flow %s', (name) => {
  const project = join(root, 'pipelines', flows[name]!.folder)

  it('is right on every profile', async () => {
    for (const profile of ['local', 'kafka-mongo', ...(onAws.includes(name) ? ['aws'] : [])]) {
      expect(await pipe(['check', '--profile', profile], project)).toMatchObject({ code: 0, err: '' })
    }
  })

  it('runs to its end, adds up, echoes what it read, and posting all again changes nothing', async () => {
    const inputs = inputsOf(name)
    const { place, first, run, stored } = await ran(name, 'local', inputs)
    expect(first.balance.wrong).toEqual([])
    const before = await stored()
    expect(first.balance.posts[0]).toMatchObject(
      name === 'amazon-products'
        ? { posted: 400, repeated: 0, refused: 0, taken: 400 }
        : { posted: 600, repeated: 0, refused: 3, taken: 597 },
    )
    for (const [stream, echo] of echoes[name] ?? [])
      expect(await messagesOf(place, echo)).toEqual(await messagesOf(place, stream))
    const log = await collect(
      linesOf<{ level: string; event: string; status: number; time: string }>(
        join(place.folder, 'out/ingestion.jsonl'),
      ),
    )
    expect(new Set(log.map(({ level, event, status }) => `${level} ${event} ${status}`))).toEqual(
      new Set(name === 'amazon-products' ? ['info accepted 201'] : ['info accepted 201', 'warn refused 400']),
    )
    const again = await run()
    expect(again.balance.wrong).toEqual([])
    expect(again.balance.posts[0]).toMatchObject({ repeated: first.balance.posts[0]!.taken, taken: 0 })
    expect(await stored()).toEqual(before)
  }, 120_000)

  it.skipIf(!kafka || !mongodb)(
    'leaves the same documents under the same ids on both profiles, from specs that are the same to the byte',
    async () => {
      const inputs = inputsOf(name)
      const [local, servers] = [await ran(name, 'local', inputs), await ran(name, 'kafka-mongo', inputs)]
      expect(specsIn(local.place.folder)).toEqual(specsIn(servers.place.folder))
      for (const [path, text] of Object.entries(specsIn(local.place.folder)))
        expect(readFileSync(join(project, path), 'utf8')).toBe(text)
      expect([local.first.balance.wrong, servers.first.balance.wrong]).toEqual([[], []])
      expect(await servers.stored()).toEqual(await local.stored())
    },
    240_000,
  )

  it.skipIf(!kinesis || !dynamodb || !s3 || !onAws.includes(name))(
    'leaves them on the services of AWS too',
    async () => {
      const inputs = inputsOf(name)
      const [local, aws] = [await ran(name, 'local', inputs), await ran(name, 'aws', inputs)]
      expect(specsIn(aws.place.folder)).toEqual(specsIn(local.place.folder))
      expect([local.first.balance.wrong, aws.first.balance.wrong]).toEqual([[], []])
      // Attributes of an item have no order, and one that an index is for is left out if it is null.
      const documents = (texts: Record<string, string>) =>
        Object.entries(texts).map(([collection, text]) => [
          collection,
          text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line, (_, value: unknown) => value ?? undefined) as unknown),
        ])
      expect(documents(await aws.stored())).toEqual(documents(await local.stored()))
      const again = await aws.run()
      expect(again.balance.wrong).toEqual([])
      expect(documents(await aws.stored())).toEqual(documents(await local.stored()))
    },
    240_000,
  )
})
