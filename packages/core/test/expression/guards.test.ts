import { compileExpression, type Expression, fieldText } from '@millrace/core'
import { expect, test } from 'vitest'
import { record, row } from './record.ts'

const compiled = (text: string): Expression => {
  const made = compileExpression(text, record)
  if (!made.ok) throw new Error(`${text}: ${made.problems.map((problem) => problem.message).join('; ')}`)
  return made
}

// Conditions, and the optional fields that are certainly not null where they are true.
test.each([
  ['has(CustomerID)', ['CustomerID']],
  ['CustomerID != null', ['CustomerID']],
  ['null != CustomerID', ['CustomerID']],
  ['!(CustomerID == null)', ['CustomerID']],
  ['!!has(CustomerID)', ['CustomerID']],
  ['CustomerID == null', []],
  ['!has(CustomerID)', []],
  ['CustomerID == 17850', ['CustomerID']],
  ['CustomerID == Quantity', ['CustomerID']],
  ['CustomerID == Discount', []],
  ['CustomerID != 17850', []],
  ['CustomerID in [1, 2]', ['CustomerID']],
  ['CustomerID in [1, null]', []],
  ['CustomerID in numbers', ['CustomerID']],
  ['CustomerID in gaps', []],
  ['has(CustomerID) && has(Discount)', ['CustomerID', 'Discount']],
  ['has(CustomerID) && Discount > 1.0 || false', 'maybe_null'],
  ['has(CustomerID) || has(Discount)', []],
  ['has(CustomerID) && Quantity > 1 || CustomerID == 3', ['CustomerID']],
  ['!(CustomerID == null || Discount == null)', ['CustomerID', 'Discount']],
  ['!(CustomerID == null && Discount == null)', []],
  ['CustomerID == null || CustomerID > 3', []],
  ['(CustomerID == null || CustomerID > 3) && has(CustomerID)', ['CustomerID']],
  ['has(CustomerID) ? CustomerID > 3 : false', ['CustomerID']],
  ['CustomerID == null ? false : CustomerID > 3', ['CustomerID']],
  ['CustomerID == null ? true : CustomerID > 3', []],
  ['has(CustomerID) || false', ['CustomerID']],
  ['false || has(CustomerID)', ['CustomerID']],
  ['true || has(CustomerID)', []],
  ['flag == true', ['flag']],
  ['flag != true', []],
  ['coalesce(flag, false)', ['flag']],
  ['coalesce(flag, true)', []],
  ['!coalesce(flag, true)', ['flag']],
  ['coalesce(CustomerID, 0) > 3', []],
  ['has(shop.name)', ['shop']],
  ['shop.rating == 5', ['shop']],
  ['has(doc.n)', ['doc']],
  ['string(doc.s) == "42"', []],
  ['tags.exists(t, CustomerID != null)', []],
  ['CustomerID != null && tags.exists(CustomerID, CustomerID == "red")', ['CustomerID']],
])('%s narrows %j', (text, narrows) => {
  const made = compileExpression(text, record)
  if (typeof narrows === 'string') expect(made.ok || made.problems.map((problem) => problem.code)).toEqual([narrows])
  else expect(compiled(text).narrows.toSorted()).toEqual(narrows.toSorted())
})

test('behind a guard a field counts as not null, both inside it and in what follows', () => {
  for (const text of [
    'CustomerID != null && CustomerID + 1 > 3 && CustomerID < 9',
    'CustomerID == null || CustomerID > 3 || CustomerID < 1',
    'has(shop) && has(shop.name) && shop.name.size() > 1',
    'has(shop.rating) ? shop.rating + 1 : 0',
    'shop.rating != null && shop.rating > 3',
    'has(CustomerID) && (has(Discount) ? CustomerID > Discount : CustomerID > 0)',
    '!(CustomerID == null) && numbers.exists(n, n == CustomerID + 0)',
    'gaps.filter(g, g != null && g > 1).size() > 0',
    'gaps.all(g, g == null || g > 0)',
    'has(doc.a) && string(doc.a).size() > 0',
    'has(doc.n) && int(doc.n) > 3',
    'CustomerID == Quantity && CustomerID + 1 > 3',
    'flag != null && flag',
    'gaps[0] != null && gaps[0] > 1',
    'has(doc["n"]) && int(doc.n) > 1',
    'flag == null || !flag',
  ])
    expect(compiled(text).optional, text).toBe(false)
})

test('a guard for one path says nothing about another, and a loop variable is not the field with its name', () => {
  const problems = (text: string) => {
    const made = compileExpression(text, record)
    return made.ok ? [] : made.problems.map((problem) => [problem.code, text.slice(...problem.span)])
  }
  expect(problems('has(shop.name) && shop.rating > 1')).toEqual([['maybe_null', 'shop.rating']])
  expect(problems('has(Discount) && CustomerID > 1')).toEqual([['maybe_null', 'CustomerID']])
  expect(problems('has(CustomerID) && gaps.exists(CustomerID, CustomerID > 1)')).toEqual([['maybe_null', 'CustomerID']])
  expect(problems('gaps.exists(g, g != null) && gaps.exists(g, g > 1)')).toEqual([['maybe_null', 'g']])
  expect(problems('gaps[0] != null && gaps[1] > 1')).toEqual([['maybe_null', 'gaps[1]']])
  expect(problems('gaps[Quantity] != null && gaps[Quantity] > 1')).toEqual([['maybe_null', 'gaps[Quantity]']])
  expect(problems('has(doc.a[0]) && int(doc.a["0"]) > 1')).toEqual([['maybe_null', 'int(doc.a["0"])']])
  expect(problems('has(doc.n) && int(doc.s) > 1')).toEqual([['maybe_null', 'int(doc.s)']])
})

test('absent and null are the same, however they are tested', () => {
  const texts = [
    'CustomerID',
    'CustomerID == null',
    'has(CustomerID)',
    'coalesce(CustomerID, 1)',
    'CustomerID == Discount',
    'shop.name',
    'CustomerID in [null]',
  ]
  const { CustomerID: _id, ...absent } = row
  for (const text of texts)
    expect(compiled(text).evaluate(absent), text).toStrictEqual(
      compiled(text).evaluate({ ...absent, CustomerID: null, shop: null }),
    )
})

test('the fields that an expression reads are listed once each, without loop variables', () => {
  expect(compiled('Quantity > 1 && tags.exists(t, t == Country) && Quantity < 9 && shop.name == null').fields).toEqual([
    'Quantity',
    'tags',
    'Country',
    'shop',
  ])
  expect(compiled('1 + 1').fields).toEqual([])
})

test('a result may be null where one of its parts may', () => {
  expect(fieldText(compiled('Quantity > 1 ? CustomerID : 1'))).toBe('integer?')
  expect(fieldText(compiled('CustomerID != null ? CustomerID : 1'))).toBe('integer')
  expect(fieldText(compiled('coalesce(CustomerID, Discount)'))).toBe('number?')
})

test('equality conditions can be looked up, in the form of the field', () => {
  expect(
    compiled('Country == "France" && (6 == Quantity && price == 12.3) && day == date("2010-12-01") && big == 5').equals,
  ).toEqual({
    Country: 'France',
    Quantity: 6,
    price: '12.30',
    day: '2010-12-01',
    big: 5n,
  })
  expect(compiled('Country == "France"').equals).toEqual({ Country: 'France' })
  expect(compiled('Country != "France"').equals).toEqual({})
  expect(compiled('Country == "France" || Quantity == 6').equals).toEqual({})
  expect(compiled('CustomerID == null && Quantity == 6').equals).toEqual({ Quantity: 6 })
  expect(compiled('price == rate && Quantity > 1 && active == true').equals).toEqual({ active: true })
  expect(compiled('rate == price').equals).toEqual({})
  expect(compiled('numbers == [1]').equals).toEqual({})
})
