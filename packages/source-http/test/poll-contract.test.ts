import { sourceContract } from '@millrace/testkit'
import { optionsOf, schema, send, serve } from './pages.ts'

const size = 10
const values: unknown[] = Array.from({ length: 40 }, (_, n) => ({ n, at: n >> 3 }))
values.splice(17, 0, { n: 1.5, at: 2 }, { at: 2 })

const since = 'since: { field: at, param: since }'

// Without a cursor each asking gives all records again, so only one that ends is a reading of them.
for (const [stop, cursor] of [
  ['end', ''],
  ['end', since],
  ['never', since],
] as const) {
  sourceContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'http_poll',
    positions: new URL(cursor ? 'positions-since.json' : 'positions.json', import.meta.url),
    async setup() {
      const { url } = await serve(({ searchParams }, response) => {
        const from = Number(searchParams.get('page')) * size
        const wanted = values.filter((value) => (value as { at: number }).at >= Number(searchParams.get('since') ?? 0))
        send(response, wanted.slice(from, from + size))
      })
      const options = optionsOf(
        `url: ${url}/events\nallow_private: true\nstop: ${stop}\npage: { first: 0, size: ${size} }\ninterval: 20ms\n${cursor}`,
      )
      return {
        options: options as unknown as Record<string, unknown>,
        schema,
        rows: values.filter((value) => Number.isInteger((value as { n?: number }).n)) as Record<string, unknown>[],
        bad: [
          { code: 'not_integer', field: 'n' },
          { code: 'missing_value', field: 'n' },
        ],
      }
    },
  })
}
