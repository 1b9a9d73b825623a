/**
 * What is known about the real online-retail.csv, counted by others, and a reader that counts it again in rows that
 * came out of a pipeline: plain loops over plain values, with money in thousandths as bigint.
 */

/** A row as it appears in an output: `InvoiceDate` as `yyyy-MM-dd HH:mm:ss`, null where the CSV was empty. */
export interface RetailRow {
  readonly InvoiceNo: string
  readonly StockCode: string
  readonly Description: string | null
  readonly Quantity: number
  readonly InvoiceDate: string
  readonly UnitPrice: number
  readonly CustomerID: number | null
  readonly Country: string
}

/** Name of a fact to its value, as text. */
export type Facts = Readonly<Record<string, string>>

/** The published counts. */
export const retailFacts: Facts = {
  rows: '541909',
  'distinct InvoiceNo': '25900',
  'rows of credit notes': '9288',
  'credit notes': '3836',
  'rows of adjustments': '3',
  'distinct StockCode': '4070',
  'distinct CustomerID': '4372',
  'distinct Country': '38',
  'distinct InvoiceDate': '23260',
  'empty CustomerID': '135080',
  'empty Description': '1454',
  'pound signs': '32',
  'first InvoiceDate': '2010-12-01 08:26:00',
  'last InvoiceDate': '2011-12-09 12:50:00',
  'least Quantity': '-80995',
  'greatest Quantity': '80995',
  'sum of Quantity': '5176450',
  'least UnitPrice': '-11062.06',
  'greatest UnitPrice': '38970',
  'sum of Quantity * UnitPrice': '9747747.93',
  'exact duplicates': '5268',
  'rows of United Kingdom': '495478',
  'rows of Germany': '9495',
  'rows of France': '8557',
  'rows of EIRE': '8196',
}

/** The same facts as one SQL query of DuckDB over a table or table function. */
export const retailQuery = (from: string): string => `
  WITH t AS (SELECT InvoiceNo, StockCode, Description, CAST(Quantity AS BIGINT) AS Quantity, CAST(InvoiceDate AS VARCHAR) AS InvoiceDate,
      CAST(UnitPrice AS DECIMAL(12, 3)) AS UnitPrice, CustomerID, Country FROM ${from})
  SELECT count(*) AS "rows", count(DISTINCT InvoiceNo) AS "distinct InvoiceNo",
    count(*) FILTER (InvoiceNo LIKE 'C%') AS "rows of credit notes", count(DISTINCT InvoiceNo) FILTER (InvoiceNo LIKE 'C%') AS "credit notes",
    count(*) FILTER (InvoiceNo LIKE 'A%') AS "rows of adjustments",
    count(DISTINCT StockCode) AS "distinct StockCode", count(DISTINCT CustomerID) AS "distinct CustomerID", count(DISTINCT Country) AS "distinct Country",
    count(DISTINCT InvoiceDate) AS "distinct InvoiceDate",
    count(*) FILTER (CustomerID IS NULL) AS "empty CustomerID", count(*) FILTER (Description IS NULL) AS "empty Description",
    CAST(sum(length(Description) - length(replace(Description, '£', ''))) AS BIGINT) AS "pound signs",
    min(InvoiceDate) AS "first InvoiceDate", max(InvoiceDate) AS "last InvoiceDate",
    min(Quantity) AS "least Quantity", max(Quantity) AS "greatest Quantity", CAST(sum(Quantity) AS BIGINT) AS "sum of Quantity",
    min(UnitPrice) AS "least UnitPrice", max(UnitPrice) AS "greatest UnitPrice",
    round(sum(CAST(Quantity AS DECIMAL(12, 0)) * UnitPrice), 2) AS "sum of Quantity * UnitPrice",
    count(*) - (SELECT count(*) FROM (SELECT DISTINCT * FROM t)) AS "exact duplicates",
    ${['United Kingdom', 'Germany', 'France', 'EIRE'].map((c) => `count(*) FILTER (Country = '${c}') AS "rows of ${c}"`).join(', ')}
  FROM t`

/** The facts of `rows`, counted in one pass. */
export async function countFacts(rows: AsyncIterable<RetailRow> | Iterable<RetailRow>): Promise<Facts> {
  const seen = {
    invoices: new Set<string>(),
    credits: new Set<string>(),
    stock: new Set<string>(),
    customers: new Set<number>(),
    dates: new Set<string>(),
    whole: new Set<string>(),
  }
  const countries = new Map<string, number>()
  let [n, credit, adjust, noCustomer, noDescription, pounds, quantity] = [0, 0, 0, 0, 0, 0, 0]
  let [first, last, least, greatest, cheapest, dearest, sum] = ['~', '', Infinity, -Infinity, Infinity, -Infinity, 0n]
  for await (const r of rows) {
    n++
    seen.invoices.add(r.InvoiceNo)
    if (r.InvoiceNo.startsWith('C')) {
      credit++
      seen.credits.add(r.InvoiceNo)
    } else if (r.InvoiceNo.startsWith('A')) adjust++
    seen.stock.add(r.StockCode)
    if (r.CustomerID === null) noCustomer++
    else seen.customers.add(r.CustomerID)
    if (r.Description === null) noDescription++
    else pounds += r.Description.split('£').length - 1
    seen.dates.add(r.InvoiceDate)
    if (r.InvoiceDate < first) first = r.InvoiceDate
    if (r.InvoiceDate > last) last = r.InvoiceDate
    quantity += r.Quantity
    least = Math.min(least, r.Quantity)
    greatest = Math.max(greatest, r.Quantity)
    cheapest = Math.min(cheapest, r.UnitPrice)
    dearest = Math.max(dearest, r.UnitPrice)
    sum += BigInt(r.Quantity) * BigInt(Math.round(r.UnitPrice * 1000))
    countries.set(r.Country, (countries.get(r.Country) ?? 0) + 1)
    seen.whole.add(
      [r.InvoiceNo, r.StockCode, r.Description, r.Quantity, r.InvoiceDate, r.UnitPrice, r.CustomerID, r.Country].join(
        '\u0000',
      ),
    )
  }
  const of = (country: string) => String(countries.get(country) ?? 0)
  return {
    rows: String(n),
    'distinct InvoiceNo': String(seen.invoices.size),
    'rows of credit notes': String(credit),
    'credit notes': String(seen.credits.size),
    'rows of adjustments': String(adjust),
    'distinct StockCode': String(seen.stock.size),
    'distinct CustomerID': String(seen.customers.size),
    'distinct Country': String(countries.size),
    'distinct InvoiceDate': String(seen.dates.size),
    'empty CustomerID': String(noCustomer),
    'empty Description': String(noDescription),
    'pound signs': String(pounds),
    'first InvoiceDate': first,
    'last InvoiceDate': last,
    'least Quantity': String(least),
    'greatest Quantity': String(greatest),
    'sum of Quantity': String(quantity),
    'least UnitPrice': String(cheapest),
    'greatest UnitPrice': String(dearest),
    'sum of Quantity * UnitPrice': cents(sum),
    'exact duplicates': String(n - seen.whole.size),
    'rows of United Kingdom': of('United Kingdom'),
    'rows of Germany': of('Germany'),
    'rows of France': of('France'),
    'rows of EIRE': of('EIRE'),
  }
}

// Prices have up to three decimals; the known sum is published to the cent.
function cents(thousandths: bigint): string {
  const rounded = (thousandths + (thousandths < 0n ? -5n : 5n)) / 10n
  return `${rounded / 100n}.${String((rounded < 0n ? -rounded : rounded) % 100n).padStart(2, '0')}`
}

/** A number's text without trailing zeros. */
export const number = (text: string): string => (/^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text)

/** Prints each fact and who found it, and returns whether all hold. */
export function compareFacts(where: string, found: Facts, expected: Facts = retailFacts): boolean {
  let right = true
  for (const [fact, value] of Object.entries(expected)) {
    const got = number(found[fact] ?? 'nothing')
    const ok = got === value
    right &&= ok
    process.stdout.write(`${ok ? 'ok   ' : 'WRONG'} ${where}  ${fact}: ${got}${ok ? '' : `, expected ${value}`}\n`)
  }
  return right
}
