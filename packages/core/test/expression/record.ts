/** The record and row that the tables of expressions are about. */
import { type Field, parseType, type RecordType, type Row } from '@millrace/core'

const fields = (types: Record<string, string | RecordType | [RecordType]>): RecordType => ({
  fields: Object.fromEntries(
    Object.entries(types).map(([name, type]): [string, Field] => {
      if (typeof type === 'string') return [name, parseType(type)!]
      return [
        name,
        { type: { kind: 'object', record: Array.isArray(type) ? type[0] : type }, optional: Array.isArray(type) },
      ]
    }),
  ),
})

export const record = fields({
  Quantity: 'integer',
  zero: 'integer',
  most: 'integer',
  CustomerID: 'integer?',
  Discount: 'number?',
  UnitPrice: 'number',
  huge: 'number',
  InvoiceNo: 'string',
  Country: 'string',
  Description: 'string?',
  text: 'string',
  active: 'boolean',
  flag: 'boolean?',
  big: 'bigint',
  most64: 'bigint',
  price: 'decimal(10,2)',
  rate: 'decimal(4,3)',
  limit: 'decimal(38,0)',
  at: 'timestamp',
  summer: 'timestamp',
  day: 'date',
  raw: 'bytes',
  tags: 'list<string>',
  numbers: 'list<integer>',
  gaps: 'list<integer?>',
  none: 'list<integer>?',
  address: fields({ city: 'string', street: 'string?', geo: fields({ lat: 'number', lon: 'number' }) }),
  shop: [fields({ name: 'string', rating: 'integer?' })],
  doc: 'json',
  nothing: 'json?',
  'unit price': 'number',
  'ship.to': 'string',
  größe: 'integer',
  constructor: 'string?',
})

export const row: Row = {
  Quantity: 6,
  zero: 0,
  most: 9_007_199_254_740_991,
  CustomerID: null,
  Discount: 0.5,
  UnitPrice: 2.55,
  huge: 1.7976931348623157e308,
  InvoiceNo: 'C536379',
  Country: 'France',
  Description: null,
  text: 'a😀b',
  active: true,
  flag: null,
  big: 9_007_199_254_740_993n,
  most64: 9_223_372_036_854_775_807n,
  price: '12.30',
  rate: '0.190',
  limit: '99999999999999999999999999999999999999',
  at: Date.UTC(2010, 11, 1, 8, 26, 30, 250),
  summer: Date.UTC(2011, 6, 1, 22, 30),
  day: '2010-12-01',
  raw: Uint8Array.from([0x61, 0xff]),
  tags: ['red', 'blue', 'red'],
  numbers: [3, 1, 2],
  gaps: [1, null, 3],
  address: { city: 'Berlin', street: null, geo: { lat: 52.5, lon: 13.4 } },
  doc: { a: [1, { b: 'x' }], n: 7, f: 1.5, s: '42', t: true, z: null, constructor: 'own' },
  'unit price': 9.99,
  'ship.to': 'Bern',
  größe: 44,
}
