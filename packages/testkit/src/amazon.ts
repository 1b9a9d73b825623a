/**
 * Generated products and categories in the shape of the Amazon products data (Kaggle asaniczka, 2023), for samples and
 * tests without the real files. The same options yield the same bytes: UTF-8, quoted titles, category ids with gaps,
 * `True` and `False`, and prices that are 0 if unknown.
 */
import { mulberry32 } from './retail.ts'

/** What is generated. */
export interface AmazonOptions {
  readonly products: number
  /** Default 40. */
  readonly categories?: number
  /** A different seed yields different rows of the same shapes. Default 1. */
  readonly seed?: number
}

/** Two CSV files, each with a header. */
export interface AmazonSample {
  readonly products: Uint8Array
  readonly categories: Uint8Array
}

const kinds = [
  'Luggage',
  'Suitcases',
  'Backpacks',
  "Girls' Clothing",
  "Boys' Clothing",
  'Beading & Jewelry Making',
  'Craft Supplies',
  'Toys, Games & Puzzles',
]
const things = [
  'Carry-On, 20"',
  'Travel Bag',
  'Set of 3',
  'Rolling Trunk',
  'Café Apron',
  'Story Book',
  'Tool Kit',
  'Desk Lamp',
]
const makers = ['Samsonite', 'Rockland', 'Lego', 'Crayola', 'Åkerberg', 'Nordic & Sons']

/** The files of `options.products` products and their categories. */
export function amazonSample({ products, categories = 40, seed = 1 }: AmazonOptions): AmazonSample {
  const random = mulberry32(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  // Every seventh id is left out.
  const ids = Array.from({ length: categories }, (_, k) => k + 1 + Math.floor(k / 6))
  const categoryLines = ids.map(
    (id, k) =>
      `${id},${quoted(k < kinds.length ? kinds[k]! : `${kinds[k % kinds.length]} ${Math.floor(k / kinds.length)}`)}`,
  )
  const productLines = Array.from({ length: products }, (_, k) => {
    const asin = `B${(k * 7919 + 36 ** 8).toString(36).toUpperCase().slice(-9)}`
    const title = quoted(`${makers[upTo(makers.length)]} ${things[upTo(things.length)]} ${upTo(900)}`)
    const price = random() < 0.02 ? 0 : random() < 0.02 ? 300 + upTo(900) : 1 + Math.floor(random() ** 2 * 29_000) / 100
    const listPrice = random() < 0.75 ? 0 : price * 1.2
    // Squaring favours some categories, as in the real data.
    const category = ids[Math.floor(random() ** 2 * ids.length)]
    const links = [`https://m.media-amazon.com/images/I/${asin}.jpg`, `https://www.amazon.com/dp/${asin}`]
    const numbers = [
      (upTo(50) / 10).toFixed(1),
      upTo(5000),
      price.toFixed(price === 0 ? 1 : 2),
      listPrice.toFixed(listPrice === 0 ? 1 : 2),
      category,
    ]
    return [asin, title, ...links, ...numbers, random() < 0.006 ? 'True' : 'False', upTo(40) * 50].join(',')
  })
  const file = (header: string, lines: readonly string[]) => Buffer.from(`${[header, ...lines].join('\n')}\n`)
  return {
    products: file(
      'asin,title,imgUrl,productURL,stars,reviews,price,listPrice,category_id,isBestSeller,boughtInLastMonth',
      productLines,
    ),
    categories: file('id,category_name', categoryLines),
  }
}

const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
