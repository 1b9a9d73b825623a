/**
 * Generated rows in the shape of the UCI Online Retail file, for samples, tests and benchmarks without the real file.
 * The same options yield the same bytes. It has everything in the real data that a parser must handle: ISO-8859-1 with
 * a pound sign, CRLF, month-first dates without padding, credit notes (`C536379`), adjustments (`A563185`), a quarter
 * of the rows without CustomerID, Descriptions that are empty, quoted for a comma or contain doubled quotes, exact
 * duplicates and, if requested, dates that do not exist.
 */

/** What is generated. */
export interface RetailOptions {
  readonly rows: number
  /** A different seed yields different rows of the same shapes. Default 1. */
  readonly seed?: number
  /** How many rows get an invalid date. Default: one in 4,000 rows, at least 1. */
  readonly badDates?: number
  readonly encoding?: 'latin1' | 'utf8'
}

/** The columns, in order. */
export const retailColumns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const

/** A CSV file of `rows` records and a header. */
export function retailSample(options: RetailOptions): Uint8Array {
  return Buffer.concat([...retailChunks(options)])
}

/** The same file in pieces of about 2,000 records. */
export function* retailChunks({
  rows,
  seed = 1,
  badDates = Math.max(1, Math.round(rows / 4000)),
  encoding = 'latin1',
}: RetailOptions): Generator<Buffer> {
  const random = mulberry32(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const catalogue = makeCatalogue(random)
  const start = Date.UTC(2010, 11, 1, 8, 26)
  const span = Date.UTC(2011, 11, 9, 12, 50) - start
  const badEvery = badDates ? Math.max(1, Math.floor(rows / badDates)) : 0

  let invoice = 536_365
  let made = 0
  let bad = 0
  let text = `${retailColumns.join(',')}\r\n`
  while (made < rows) {
    const credit = random() < 0.15
    const adjustment = !credit && random() < 0.0002
    const prefix = credit ? 'C' : adjustment ? 'A' : ''
    const lines = credit ? 1 + upTo(4) : adjustment ? 1 : 1 + upTo(46)
    const date = usDate(start + Math.floor((span * made) / rows / 60_000) * 60_000)
    const customer = adjustment || random() < 0.25 ? '' : String(12_346 + upTo(4_372))
    const country = customer === '' ? 'United Kingdom' : countryOf(random())
    let before = ''
    for (let line = 0; line < lines && made < rows; line++) {
      let record: string
      if (adjustment) record = `B,Adjust bad debt,1,${date},${random() < 0.5 ? '' : '-'}11062.06,,United Kingdom`
      else if (before !== '' && random() < 0.0105) record = before
      else {
        // Squaring favours the head of the catalogue, as a few items make most sales.
        const item = catalogue[Math.floor(random() ** 2 * catalogue.length)]!
        const quantity = (credit ? -1 : 1) * quantityOf(random)
        const missing = customer === '' && random() < 0.011
        record = `${item.code},${missing ? '' : item.description},${quantity},${date},${missing ? 0 : item.price},${customer},${country}`
      }
      before = record
      if (badEvery && made % badEvery === badEvery - 1 && bad < badDates)
        record = record.replace(date, noDates[bad++ % noDates.length]!)
      text += `${prefix}${invoice},${record}\r\n`
      if (++made % 2_000 === 0) {
        yield Buffer.from(text, encoding)
        text = ''
      }
    }
    invoice++
  }
  if (text) yield Buffer.from(text, encoding)
}

interface Item {
  readonly code: string
  /** As in the file, quoted where needed. */
  readonly description: string
  readonly price: number
}

const noDates = ['2/30/2011 10:15', '13/1/2011 9:00', '6/31/2011 12:45', 'n/a', '4/5/2011 24:10']
const colours = [
  'WHITE',
  'RED',
  'PINK',
  'BLUE',
  'BLACK',
  'IVORY',
  'VINTAGE',
  'RETROSPOT',
  'REGENCY',
  'JUMBO',
  'SET OF 6',
  'PACK OF 72',
]
const stuffs = [
  'HANGING',
  'METAL',
  'WOODEN',
  'GLASS',
  'CERAMIC',
  'KNITTED',
  'PAPER',
  'FELT',
  'ENAMEL',
  'PAISLEY',
  'SPOTTY',
  'HEART',
]
const things = [
  'T-LIGHT HOLDER',
  'LANTERN',
  'CAKE STAND',
  'BAG',
  'BUNTING',
  'LUNCH BOX',
  'CANDLE',
  'DOORMAT',
  'PHOTO FRAME',
  'HOT WATER BOTTLE',
  'TEACUP',
  'SIGN',
]
const prices = [
  0.29, 0.42, 0.65, 0.85, 1.25, 1.45, 1.65, 2.08, 2.1, 2.55, 2.95, 3.39, 3.75, 4.25, 4.95, 6.95, 7.95, 12.75, 18, 38.97,
  165,
]

/** 4,070 items; about one in 90 has a quoted Description, one in 430 doubled quotes, one in 1,000 a pound sign. */
function makeCatalogue(random: () => number): readonly Item[] {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
  return Array.from({ length: 4_070 }, (_, k) => {
    const code = String(10_002 + k * 19) + (random() < 0.25 ? pick(['A', 'B', 'C', 'S', 'a']) : '')
    const price = pick(prices)
    if (k % 1_000 === 40)
      return {
        code: `gift_0001_${20 + k / 100}`,
        description: `Dotcomgiftshop Gift Voucher £${price.toFixed(2)}`,
        price,
      }
    const [colour, stuff, thing] = [pick(colours), pick(stuffs), pick(things)]
    if (k % 430 === 7) return { code, description: `"${colour} FRAME ${7 + (k % 5)}"" ${thing} "`, price }
    if (k % 110 === 9) return { code, description: `"${colour} ${thing}, ${stuff} "`, price }
    return { code, description: `${colour} ${stuff} ${thing}${k % 31 === 0 ? ' ' : ''}`, price }
  })
}

/** The real shares: United Kingdom 91.4 %, Germany 1.8 %, France 1.6 %, EIRE 1.5 %, the rest spread. */
function countryOf(share: number): string {
  if (share < 0.914) return 'United Kingdom'
  if (share < 0.932) return 'Germany'
  if (share < 0.948) return 'France'
  if (share < 0.963) return 'EIRE'
  const others = [
    'Spain',
    'Netherlands',
    'Belgium',
    'Switzerland',
    'Portugal',
    'Australia',
    'Norway',
    'Channel Islands',
    'Iceland',
    'RSA',
    'Unspecified',
  ]
  return others[Math.floor(((share - 0.963) / 0.037) * others.length)]!
}

/** Mostly small or by the dozen, now and then by the thousand. */
function quantityOf(random: () => number): number {
  const share = random()
  if (share < 0.55) return 1 + Math.floor(random() * 6)
  if (share < 0.95) return 12 * (1 + Math.floor(random() * 4))
  return share < 0.9995 ? 100 + Math.floor(random() * 500) : 80_995
}

/** `12/1/2010 8:26`: month first, nothing padded but the minutes. */
function usDate(ms: number): string {
  const at = new Date(ms)
  return `${at.getUTCMonth() + 1}/${at.getUTCDate()}/${at.getUTCFullYear()} ${at.getUTCHours()}:${String(at.getUTCMinutes()).padStart(2, '0')}`
}

/** A small seeded generator of numbers in 0..1 (mulberry32, public domain). */
export function mulberry32(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
