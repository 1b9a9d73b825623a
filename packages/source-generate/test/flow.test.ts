/** The six streams of an online shop, each read by its own source. */
import type { Row } from '@millrace/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTurns } from '../src/turns.ts'
import { drawKey } from '../src/draws.ts'
import { generatorOf } from '../src/generator.ts'
import { optionsOf, read, shop, shopStreams } from './flow.ts'

const clock = Date.UTC(2026, 0, 31, 12)
type Streams = Record<(typeof shopStreams)[number], Row[]>

async function generated(spread: string, seed: number): Promise<Streams> {
  const made = shopStreams.map(async (stream) => {
    const own = `stream: ${stream}\nseed: ${seed}\ncount: 100\nclock: 2026-01-31T12:00:00Z`
    const text = spread === 'documented' ? shop('start_of_year', 'start_of_month') : shop()
    return [stream, (await read(`${text}${own}`)).rows] as const
  })
  return Object.fromEntries(await Promise.all(made)) as Streams
}

describe.each(['recent', 'documented'])('with the spread %s', (spread) => {
  let all: Streams
  beforeAll(async () => {
    all = await generated(spread, 1)
  })
  const between = (values: readonly unknown[], from: number, to: number) => {
    for (const value of values as number[]) {
      expect(value).toBeGreaterThanOrEqual(from)
      expect(value).toBeLessThanOrEqual(to)
    }
  }

  it('makes about 480 records in 100 turns', () => {
    const total = Object.values(all).reduce((sum, rows) => sum + rows.length, 0)
    expect(total).toBeGreaterThan(460)
    expect(total).toBeLessThan(500)
    expect(all.system_logs).toHaveLength(100)
    expect(all.customers.length + all.products.length).toBe(100)
    between([all.customers.length, all.products.length], 30, 70)
    expect(all.product_views).toHaveLength(all.transactions.length)
    expect(all.user_interactions).toHaveLength(all.transactions.length)
  })

  it('keeps to its ranges', () => {
    between(
      all.customers.map(({ age }) => age),
      18,
      70,
    )
    between(
      all.products.map(({ price }) => price),
      10,
      500,
    )
    between(
      all.products.map(({ stock_quantity: n }) => n),
      0,
      100,
    )
    between(
      all.products.map(({ rating }) => rating),
      1,
      5,
    )
    between(
      all.transactions.map(({ quantity }) => quantity),
      1,
      5,
    )
    between(
      all.product_views.map(({ view_duration: ms }) => ms),
      10,
      300,
    )
    for (const { price, rating } of all.products) expect(`${price} ${rating}`).toMatch(/^\d+(\.\d\d?)? \d(\.\d)?$/)
    for (const { gender } of all.customers) expect(['Male', 'Female', 'Other']).toContain(gender)
    for (const { account_created: day } of all.customers) {
      expect(String(day) >= '2026-01-01').toBe(true)
      expect(String(day) <= '2026-01-31').toBe(true)
    }
  })

  it('has no time in the future, and none before the spread', () => {
    const from = spread === 'recent' ? clock - 7_200_000 : Date.UTC(2026, 0, 1)
    between(
      all.customers.map(({ last_login: time }) => time),
      from,
      clock,
    )
    between(
      all.transactions.map(({ date_time: time }) => time),
      from,
      clock,
    )
    for (const stream of ['product_views', 'system_logs', 'user_interactions'] as const)
      between(
        all[stream].map(({ timestamp }) => timestamp),
        from,
        clock,
      )
  })

  it('has details of reviews and of nothing else', () => {
    const reviews = all.user_interactions.filter((row) => row['interaction_type'] === 'review')
    expect(reviews.length).toBeGreaterThan(10)
    for (const { interaction_type: type, details } of all.user_interactions)
      expect(typeof details).toBe(type === 'review' ? 'string' : 'object')
  })

  it('refers only to customers and products that were made before', () => {
    const generator = generatorOf(optionsOf(`${shop()}stream: customers`))
    const turns = createTurns(generator, (what) => drawKey(`1/${clock}/${what}`))
    const turnsOf = (stream: string) => Array.from({ length: 100 }, (_, t) => t).filter((t) => turns.isMade(stream, t))
    const madeAt = (stream: string, rows: readonly Row[], id: string) =>
      new Map(turnsOf(stream).map((turn, i) => [rows[i]![id], turn]))
    const customers = madeAt('customers', all.customers, 'customer_id')
    const products = madeAt('products', all.products, 'product_id')
    for (const stream of ['transactions', 'product_views', 'user_interactions'] as const) {
      const at = turnsOf(stream)
      for (const [i, { customer_id: customer, product_id: product }] of all[stream].entries()) {
        expect(customers.get(customer)).toBeLessThanOrEqual(at[i]!)
        expect(products.get(product)).toBeLessThanOrEqual(at[i]!)
      }
      expect(new Set(all[stream].map((row) => row['customer_id'])).size).toBeGreaterThan(20)
    }
  })
})

it('every seed has the same shape', async () => {
  for (let seed = 2; seed < 12; seed++) {
    const all = await generated('recent', seed)
    const total = Object.values(all).reduce((sum, rows) => sum + rows.length, 0)
    expect(total).toBeGreaterThan(450)
    expect(total).toBeLessThanOrEqual(500)
    const customers = new Set(all.customers.map((row) => row['customer_id']))
    for (const { customer_id: id } of all.transactions) expect(customers).toContain(id)
  }
})
