import { compileExpression, type ExpressionProblem } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { record } from './record.ts'

const problems = (text: string): readonly ExpressionProblem[] => {
  const compiled = compileExpression(text, record)
  return compiled.ok ? [] : compiled.problems
}

// The text, the code, the characters at fault, and a piece of the hint (or of the message, where there is no hint).
const findings: Record<string, readonly (readonly [text: string, code: string, at: string, says: string])[]> = {
  syntax: [
    ['Quantity = 6', 'bad_expression', '=', 'write == to compare'],
    ['Quantity === 6', 'bad_expression', '===', 'write == or != to compare'],
    ['Quantity <> 6', 'bad_expression', '<>', 'write !='],
    ['active and active', 'bad_expression', 'and', 'write &&'],
    ['active OR active', 'bad_expression', 'OR', 'write ||'],
    ['not active', 'bad_expression', 'not', 'write !'],
    ['CustomerID is null', 'bad_expression', 'is', 'write == null'],
    ['Country like "F%"', 'bad_expression', 'like', 'matches'],
    ['active & active', 'bad_expression', '&', 'write &&'],
    ['Country == “France”', 'bad_expression', '“', 'straight quotes'],
    ['$Quantity > 1', 'bad_expression', '$', 'without a prefix'],
    ['Quantity >', 'bad_expression', '>', 'a value'],
    ['(Quantity', 'bad_expression', 'y', ')'],
    ['Quantity)', 'bad_expression', ')', 'the end or an operator'],
    ['Quantity > 1 ? 2', 'bad_expression', '2', ':'],
    ['"France', 'bad_expression', '"France', 'no closing "'],
    ['"a\nb"', 'bad_expression', '"a', 'three quotes'],
    ['"\\d"', 'bad_expression', '\\d', 'r"..."'],
    ['"\\ud800"', 'bad_expression', '\\ud800', 'not an escape'],
    ['3u', 'bad_expression', '3u', 'write 3'],
    ['2nd > 1', 'bad_expression', '2nd', '`2nd`'],
    ['1e999', 'bad_expression', '1e999', 'too large'],
    ['0.5e-400', 'bad_expression', '0.5e-400', 'too small'],
    ['Order{id: 1}', 'bad_expression', '{', 'the end or an operator'],
    ['`Quantity', 'bad_expression', '`Quantity', 'no closing `'],
    ['', 'bad_expression', '', 'empty'],
    ['// nothing', 'bad_expression', '// nothing', 'empty'],
    ['unit price > 3', 'bad_expression', 'price', '`unit price`'],
    ['f(1, , 2)', 'bad_expression', ',', 'a value'],
  ],
  'misleading before': [
    ['9007199254740993.0 == huge', 'out_of_range', '9007199254740993.0', '9007199254740993 is a bigint, and decimal'],
    ['123456789012345678901234567890.0', 'out_of_range', '123456789012345678901234567890.0', '38, 0) holds it'],
    ['power(UnitPrice, 2.0) > 1', 'unknown_function', 'power', 'a function of your own'],
    ['hash(Country) == "a"', 'unknown_function', 'hash', 'sha256() computes a hash'],
    ['int(at) > 1', 'wrong_type', 'at', 'epoch_ms(at) converts it'],
    ['7 in {}', 'wrong_type', '{}', 'square brackets'],
    ['"city" in address', 'wrong_type', 'address', 'has(address.city)'],
    ['7 in address', 'wrong_type', 'address', 'searches a list'],
  ],
  names: [
    ['Quantty > 1', 'unknown_field', 'Quantty', 'did you mean Quantity?'],
    ['quantity > 1', 'unknown_field', 'quantity', 'did you mean Quantity?'],
    ['address.zity', 'unknown_field', 'zity', 'did you mean city?'],
    ['address.country', 'unknown_field', 'country', 'city, street, geo'],
    ['Country == France', 'unknown_field', 'France', 'text is written in quotes'],
    ['active == True', 'unknown_field', 'True', 'write true'],
    ['CustomerID == None', 'unknown_field', 'None', 'write null'],
    ['size > 3', 'unknown_field', 'size', 'size is a function'],
    ['unitPrice > 1', 'unknown_field', 'unitPrice', 'did you mean UnitPrice?'],
    ['toString == "x"', 'unknown_field', 'toString', 'the fields are'],
    ['ship.to == "Bern"', 'unknown_field', 'ship', '`ship.to` is a field'],
    ['lowr(Country)', 'unknown_function', 'lowr', 'did you mean lower?'],
    ['Country.toLowerCase()', 'unknown_function', 'toLowerCase', 'did you mean lower?'],
    ['length(Country)', 'unknown_function', 'length', 'did you mean size?'],
    ['ifnull(CustomerID, 0)', 'unknown_function', 'ifnull', 'did you mean coalesce?'],
    ['Quantity(1)', 'unknown_function', 'Quantity', 'Quantity is a field'],
    ['sum(Quantity)', 'unknown_function', 'sum', 'aggregate'],
    ['now() > at', 'not_repeatable', 'now', 'field of the record'],
    ['uuid()', 'not_repeatable', 'uuid', 'sha256()'],
    ['random() < 0.1', 'not_repeatable', 'random', 'field of the record'],
    ['tags.map(t, t + x)', 'unknown_field', 'x', 'the fields are'],
  ],
  null: [
    ['CustomerID > 3', 'maybe_null', 'CustomerID', 'CustomerID != null && ...'],
    ['CustomerID + 1', 'maybe_null', 'CustomerID', 'coalesce(CustomerID, ...)'],
    ['-CustomerID', 'maybe_null', 'CustomerID', 'guard it'],
    ['lower(Description)', 'maybe_null', 'Description', 'guard it'],
    ['flag && active', 'maybe_null', 'flag', 'flag == true'],
    ['!flag', 'maybe_null', 'flag', 'flag == true'],
    ['flag ? 1 : 2', 'maybe_null', 'flag', 'flag == true'],
    ['size(none)', 'maybe_null', 'none', 'guard it'],
    ['1 in none', 'maybe_null', 'none', 'guard it'],
    ['none[0]', 'maybe_null', 'none', 'guard it'],
    ['shop.rating + 1', 'maybe_null', 'shop.rating', 'guard it'],
    ['gaps[0] + 1', 'maybe_null', 'gaps[0]', 'guard it'],
    ['gaps.map(g, g + 1)', 'maybe_null', 'g', 'guard it'],
    ['max(gaps)', 'maybe_null', 'gaps', 'gaps.filter(x, x != null)'],
    ['int(doc.n) + 1', 'maybe_null', 'int(doc.n)', 'guard it'],
    ['CustomerID != null || CustomerID > 3', 'maybe_null', 'CustomerID', 'guard it'],
    ['CustomerID == null && CustomerID > 3', 'maybe_null', 'CustomerID', 'guard it'],
    ['CustomerID > 3 && CustomerID != null', 'maybe_null', 'CustomerID', 'guard it'],
    ['CustomerID != null ? 1 : CustomerID + 1', 'maybe_null', 'CustomerID', 'guard it'],
    ['null + 1', 'wrong_type', 'null', 'only ==, !=, coalesce'],
    ['null', 'wrong_type', 'null', 'determines their type'],
    ['[]', 'wrong_type', '[]', 'determines their type'],
    ['{"a": null}', 'wrong_type', '{"a": null}', 'determines their type'],
  ],
  types: [
    ['Quantity && active', 'wrong_type', 'Quantity', 'Quantity != 0'],
    ['!Country', 'wrong_type', 'Country', 'Country != ""'],
    ['Country ? 1 : 2', 'wrong_type', 'Country', 'Country != ""'],
    ['Quantity == "6"', 'wrong_type', 'Quantity == "6"', 'without quotes: 6'],
    ['Country > 3', 'wrong_type', 'Country > 3', 'int(Country)'],
    ['Country + Quantity', 'wrong_type', 'Country + Quantity', 'string(Quantity)'],
    ['InvoiceNo * 2', 'wrong_type', 'InvoiceNo * 2', 'convert the text first'],
    ['price * UnitPrice', 'wrong_type', 'price * UnitPrice', 'not exact'],
    ['price == UnitPrice', 'wrong_type', 'price == UnitPrice', 'not exact'],
    ['price / 3', 'wrong_type', 'price / 3', 'divide(price, 3, 2)'],
    ['big / 2', 'wrong_type', 'big / 2', 'double(big)'],
    ['big + UnitPrice', 'wrong_type', 'big + UnitPrice', 'double()'],
    ['UnitPrice % 2', 'wrong_type', 'UnitPrice % 2', 'whole numbers'],
    ['day + 1', 'wrong_type', 'day + 1', 'add_days'],
    ['day == "2010-12-01"', 'wrong_type', 'day == "2010-12-01"', 'date("2010-12-01")'],
    ['day < at', 'wrong_type', 'day < at', 'date(at)'],
    ['at == 0', 'wrong_type', 'at == 0', 'cannot be compared'],
    ['doc.n == 7', 'wrong_type', 'doc.n == 7', 'convert the JSON value first'],
    ['doc.s == "42"', 'wrong_type', 'doc.s == "42"', 'string(doc.s)'],
    ['active < active', 'wrong_type', 'active < active', 'have no order'],
    ['tags < tags', 'wrong_type', 'tags < tags', 'have no order'],
    ['Quantity == active', 'wrong_type', 'Quantity == active', 'cannot be compared'],
    ['1 < Quantity < 9', 'wrong_type', '1 < Quantity < 9', 'cannot be compared'],
    ['Quantity in 3', 'wrong_type', '3', 'searches a list'],
    ['"a" in Country', 'wrong_type', 'Country', 'contains(Country, "a")'],
    ['"city" in address', 'wrong_type', 'address', 'has(address.city)'],
    ['Quantity in tags', 'wrong_type', 'Quantity in tags', 'string(Quantity)'],
    ['Quantity in ["a"]', 'wrong_type', 'Quantity in ["a"]', 'cannot be compared'],
    ['active ? 1 : "a"', 'wrong_type', '"a"', 'are not compatible'],
    ['[1, "a"]', 'wrong_type', '"a"', 'are not compatible'],
    ['coalesce(CustomerID, "none")', 'wrong_type', '"none"', 'are not compatible'],
    ['min(1, "a")', 'wrong_type', '"a"', 'are not compatible'],
    ['max(active, active)', 'wrong_type', 'max(active, active)', 'no order'],
    ['Quantity.size', 'wrong_type', 'size', 'Quantity.size()'],
    ['Country[0]', 'wrong_type', 'Country', 'has no elements'],
    ['numbers["a"]', 'wrong_type', '"a"', 'is integer'],
    ['numbers.all(n, n)', 'wrong_type', 'n', 'true or false is needed'],
    ['Country.all(c, c == "a")', 'wrong_type', 'Country', 'loops over a list'],
    ['tags.contains("red")', 'wrong_type', 'tags', '"red" in tags'],
    ['lower(Quantity)', 'wrong_type', 'Quantity', 'string(Quantity)'],
    ['substring(Country, "1")', 'wrong_type', '"1"', 'int("1")'],
    ['year(Country)', 'wrong_type', 'Country', 'timestamp(Country)'],
    ['{Country: 1}', 'wrong_type', 'Country', 'text in quotes'],
  ],
  arguments: [
    ['lower()', 'wrong_arguments', 'lower()', 'lower(text: string)'],
    ['substring(Country)', 'wrong_arguments', 'substring(Country)', 'to?: integer'],
    ['lower(Country, 1)', 'wrong_arguments', 'lower(Country, 1)', 'lower(text: string)'],
    ['coalesce(CustomerID)', 'wrong_arguments', 'coalesce(CustomerID)', '2 or more'],
    ['min(Quantity)', 'wrong_arguments', 'min(Quantity)', 'aggregate'],
    ['has(Quantity + 1)', 'wrong_arguments', 'has(Quantity + 1)', 'a field'],
    ['tags.map(1, 2)', 'wrong_arguments', 'tags.map(1, 2)', 'list.map(x, ...)'],
    ['round(UnitPrice, Quantity)', 'wrong_arguments', 'Quantity', 'must be'],
    ['round(UnitPrice, 99)', 'wrong_arguments', '99', '0 to 38'],
    ['decimal(UnitPrice, 2, 3)', 'wrong_arguments', '2', 'at most all'],
    ['hour(at, Country)', 'wrong_arguments', 'Country', 'must be'],
    ['{"a": 1, "a": 2}', 'wrong_arguments', '"a"', 'twice'],
  ],
  values: [
    ['hour(at, "Mars/Base")', 'unknown_zone', '"Mars/Base"', 'Europe/Berlin'],
    ['matches(Country, "(")', 'bad_pattern', '"("', 'missing closing'],
    ['matches(Country, "(?=a)")', 'bad_pattern', '"(?=a)"', 'not a regular expression'],
    ['matches(Country, r"(a)\\1")', 'bad_pattern', 'r"(a)\\1"', 'not a regular expression'],
    ['date("2010-02-30")', 'bad_date', 'date("2010-02-30")', 'not a date'],
    ['day > date("30.02.2010")', 'bad_date', 'date("30.02.2010")', 'not a date'],
    ['duration("1 hour")', 'bad_duration', 'duration("1 hour")', '1h30m'],
    ['Quantity + 1 / 0', 'division_by_zero', '1 / 0', 'division by zero'],
    ['9007199254740991 + 1', 'out_of_range', '9007199254740991 + 1', 'bigint()'],
    ['9223372036854775808', 'out_of_range', '9223372036854775808', 'decimal('],
    ['int("a")', 'not_integer', 'int("a")', 'whole number'],
  ],
}

for (const [group, lines] of Object.entries(findings)) {
  describe(group, () => {
    test.each(lines.map(([text, code, at, says]) => ({ text, code, at, says })))(
      '$text',
      ({ text, code, at, says }) => {
        const found = problems(text)
        expect(found.map((problem) => problem.code)).toEqual([code])
        const [{ span, message, hint }] = found as [ExpressionProblem]
        expect(text.slice(...span)).toBe(at)
        expect(`${message} ${hint ?? ''}`).toContain(says)
      },
    )
  })
}

test('all problems of an expression are reported together, each once, and none that follows from another', () => {
  const text = 'Quantty > 1 && lower(CustomerID) == nam || round(UnitPrice, -1) + unknwn(1) > Cuntry'
  expect(problems(text).map((problem) => [problem.code, text.slice(...problem.span)])).toEqual([
    ['unknown_field', 'Quantty'],
    ['wrong_type', 'CustomerID'],
    ['unknown_field', 'nam'],
    ['wrong_arguments', '-1'],
    ['unknown_function', 'unknwn'],
    ['unknown_field', 'Cuntry'],
  ])
})

test('a finding names the types that were expected and found', () => {
  expect(problems('lower(Quantity)')).toEqual([
    {
      code: 'wrong_type',
      message: 'lower takes string here, not integer',
      span: [6, 14],
      expected: 'string',
      got: 'integer',
      hint: 'string(Quantity) converts it',
    },
  ])
  expect(problems('CustomerID > 3')).toMatchObject([{ expected: 'integer', got: 'integer?' }])
})

test('the fields of a record do not include those that every object inherits', () => {
  expect(problems('hasOwnProperty == "x"')).toMatchObject([{ code: 'unknown_field' }])
  expect(problems('address.valueOf')).toMatchObject([{ code: 'unknown_field' }])
  expect(problems('__proto__ == "x"')).toMatchObject([{ code: 'unknown_field' }])
  expect(problems('constructor(1)')).toMatchObject([{ code: 'unknown_function' }])
})
