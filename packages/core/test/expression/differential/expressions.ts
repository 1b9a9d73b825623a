/** Random expressions in two languages: as Millrace reads them, and as CEL's own implementation does. */
import { parseType, type RecordType, type Row } from '@millrace/core'

/** One expression, its text in both languages, and the values of its fields. */
export interface Question {
  readonly ours: string
  readonly cel: string
  readonly row: Row
  /** What CEL is given, as kind and text. */
  readonly vars: Readonly<Record<string, readonly [kind: string, value: unknown]>>
}

type Kind = 'integer' | 'number' | 'bigint' | 'decimal' | 'string' | 'boolean' | 'timestamp' | 'integers' | 'strings'
type Pair = readonly [ours: string, cel: string]

const types = {
  i: 'integer',
  k: 'integer',
  iq: 'integer?',
  n: 'number',
  m: 'number',
  s: 'string',
  r: 'string',
  sq: 'string?',
  b: 'boolean',
  c: 'boolean',
  big: 'bigint',
  large: 'bigint',
  d: 'decimal(10,2)',
  w: 'decimal(12,4)',
  t: 'timestamp',
  u: 'timestamp',
  li: 'list<integer>',
  ls: 'list<string>',
}
export const record: RecordType = {
  fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, parseType(type)!])),
}

const alphabet = ['a', 'B', 'ß', 'ﬁ', 'Σ', 'İ', '😀', '\uffff', ' ', '\u0085', '\ufeff', '\n', '1', '-', '.', 'é', 'ǆ']
const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia', 'Africa/Cairo']
const patterns = ['^a', 'B$', '[a-c]+', '(?i)SS', '.', '^.?$', '\\\\d', '\\\\s', 'a|ß', '[^a]{2}', '\\\\bB', '(a*)*1']
const most = Number.MAX_SAFE_INTEGER

/** Numbers from 0 to 1 (mulberry32), the same for a seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export class Expressions {
  readonly #random: () => number
  /** Names of loop variables in scope, by kind. */
  readonly #items: (readonly [name: string, kind: Kind])[] = []

  constructor(seed: number) {
    this.#random = randomOf(seed)
  }

  question(): Question {
    const values = this.#values()
    const kinds: readonly Kind[] = [
      'integer',
      'number',
      'bigint',
      'decimal',
      'string',
      'boolean',
      'timestamp',
      'integers',
    ]
    const [ours, cel] = this.#of(this.#pick(kinds), 2 + this.#below(3))
    return {
      ours,
      cel,
      row: Object.fromEntries(Object.entries(values).map(([name, [value]]) => [name, value])),
      vars: Object.fromEntries(Object.entries(values).map(([name, [, kind, told]]) => [name, [kind, told]])),
    }
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!
  }

  // --- values

  #integer(): number {
    return this.#pick([
      () => this.#below(9) - 4,
      () => this.#below(2_000_001) - 1_000_000,
      () => this.#pick([most, -most, 2 ** 52 + 1, 2 ** 31, 0]),
    ])()
  }
  #number(): number {
    return this.#pick([
      () => (this.#below(2001) - 1000) / 8,
      () => (this.#below(200_001) - 100_000) / 1000,
      () => (this.#random() - 0.5) * 10 ** (this.#below(40) - 20),
      () => this.#pick([0, -0, 1e308, -1e308, 5e-324, 0.5, -0.5, 2.5, 1e21, 2 ** 53]),
    ])()
  }
  #bigint(): bigint {
    const wide = BigInt(this.#below(2 ** 31)) * BigInt(this.#below(2 ** 31)) * 2n
    return this.#pick([BigInt(this.#integer()), wide, -wide, 2n ** 63n - 1n, -(2n ** 63n)])
  }
  #decimal(digits: number, scale: number): string {
    const whole = Math.floor((this.#random() - 0.5) * 2 * 10 ** this.#below(digits + 1))
    const text = String(Math.abs(whole)).padStart(scale + 1, '0')
    return `${whole < 0 ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
  }
  #text(): string {
    return Array.from({ length: this.#below(6) }, () => this.#pick(alphabet)).join('')
  }
  #time(): number {
    return this.#pick([
      () => Date.UTC(1950 + this.#below(90), this.#below(12), 1 + this.#below(28)) + this.#below(86_400_000),
      () => this.#pick([0, -1, 1, 1_301_187_600_000, 951_782_400_000]),
    ])()
  }

  #values(): Record<string, readonly [value: unknown, kind: string, told: unknown]> {
    const int = (n: number | bigint) => [n, 'int', String(n)] as const
    const double = (n: number) => [n, 'double', Object.is(n, -0) ? '-0' : String(n)] as const
    const text = (value: string) => [value, 'text', value] as const
    const time = (ms: number) => [ms, 'time', String(ms)] as const
    const truth = (value: boolean) => [value, 'bool', value] as const
    const none = [null, 'null', null] as const
    const many = <T>(make: () => T) => Array.from({ length: this.#below(5) }, make)
    const numbers = many(() => this.#integer())
    const words = many(() => this.#text())
    return {
      i: int(this.#integer()),
      k: int(this.#integer()),
      iq: this.#below(2) ? none : int(this.#integer()),
      n: double(this.#number()),
      m: double(this.#number()),
      s: text(this.#text()),
      r: text(this.#text()),
      sq: this.#below(2) ? none : text(this.#text()),
      b: truth(this.#below(2) === 1),
      c: truth(this.#below(2) === 1),
      big: int(this.#bigint()),
      large: int(this.#bigint()),
      d: text(this.#decimal(10, 2)),
      w: text(this.#decimal(12, 4)),
      t: time(this.#time()),
      u: time(this.#time()),
      li: [numbers, 'ints', numbers.map(String)],
      ls: [words, 'texts', words],
    }
  }

  // --- expressions

  #of(kind: Kind, depth: number): Pair {
    const items = this.#items.filter(([, of]) => of === kind)
    if (items.length > 0 && this.#below(3) === 0) {
      const [name] = this.#pick(items)
      return [name, name]
    }
    if (depth <= 0) return this.#leaf(kind)
    const below = (of: Kind) => this.#of(of, depth - 1)
    if (this.#below(8) === 0 && kind !== 'integers' && kind !== 'strings') {
      const [test, yes, no] = [below('boolean'), below(kind), below(kind)]
      return [`(${test[0]} ? ${yes[0]} : ${no[0]})`, `(${test[1]} ? ${yes[1]} : ${no[1]})`]
    }
    return this.#pick(this.#forms[kind])(below)
  }

  #leaf(kind: Kind): Pair {
    const same = (text: string): Pair => [text, text]
    switch (kind) {
      case 'integer':
        return this.#below(2) ? same(this.#pick(['i', 'k'])) : same(`(${this.#below(20) - 5})`)
      case 'number':
        return this.#below(3) ? same(this.#pick(['n', 'm'])) : same(this.#pick(['0.5', '2.0', '1e3', '0.1']))
      case 'bigint':
        return same(this.#pick(['big', 'large']))
      case 'decimal':
        return same(this.#pick(['d', 'w']))
      case 'string':
        return this.#below(3) ? same(this.#pick(['s', 'r'])) : same(JSON.stringify(this.#pick(alphabet)))
      case 'boolean':
        return same(this.#pick(['b', 'c', 'b', 'c', 'true', 'false']))
      case 'timestamp':
        return same(this.#pick(['t', 'u']))
      case 'integers':
        return same(this.#pick(['li', 'li', '[1, 2, 3]']))
      case 'strings':
        return same(this.#pick(['ls', 'ls', '["a", "B"]']))
    }
  }

  /** A form with `$0`, `$1`, ... for its parts; `%` stands for a new name in both. */
  #form(ours: string, cel: string, ...kinds: readonly Kind[]): (below: (kind: Kind) => Pair) => Pair {
    return (below) => {
      const parts = kinds.map(below)
      const fill = (text: string, at: 0 | 1) => text.replace(/\$(\d)/g, (_, k: string) => parts[Number(k)]![at])
      return [fill(ours, 0), fill(cel, 1)]
    }
  }

  /** A loop over a list; its condition or value may use the item. */
  #loop(list: 'integers' | 'strings', macro: string, body: Kind): (below: (kind: Kind) => Pair) => Pair {
    return (below) => {
      const over = below(list)
      const name = `e${this.#items.length}`
      this.#items.push([name, list === 'integers' ? 'integer' : 'string'])
      const inner = below(body)
      this.#items.pop()
      return [`(${over[0]}).${macro}(${name}, ${inner[0]})`, `(${over[1]}).${macro}(${name}, ${inner[1]})`]
    }
  }

  #compare(kind: Kind, operators: readonly string[]): (below: (kind: Kind) => Pair) => Pair {
    return (below) => {
      const operator = this.#pick(operators)
      return this.#form(`($0 ${operator} $1)`, `($0 ${operator} $1)`, kind, kind)(below)
    }
  }

  readonly #order = ['<', '<=', '>', '>=', '==', '!=']
  readonly #zoned = (ours: string, cel: string) => (below: (kind: Kind) => Pair) => {
    const zone = this.#pick(zones)
    return this.#form(`${ours}($0, "${zone}")`, cel.replace('ZONE', `"${zone}"`), 'timestamp')(below)
  }

  readonly #forms: Readonly<Record<Kind, readonly ((below: (kind: Kind) => Pair) => Pair)[]>> = {
    integer: [
      this.#form('($0 + $1)', 'iadd($0, $1)', 'integer', 'integer'),
      this.#form('($0 - $1)', 'isub($0, $1)', 'integer', 'integer'),
      this.#form('($0 * $1)', 'imul($0, $1)', 'integer', 'integer'),
      this.#form('($0 % $1)', '($0 % $1)', 'integer', 'integer'),
      this.#form('(-$0)', '(-$0)', 'integer'),
      this.#form('size($0)', 'size($0)', 'string'),
      this.#form('size($0)', 'size($0)', 'integers'),
      this.#form('size($0)', 'size($0)', 'strings'),
      this.#form('floor($0)', 'floored($0)', 'number'),
      this.#form('ceil($0)', 'ceiled($0)', 'number'),
      this.#form('min($0)', 'least($0)', 'integers'),
      this.#form('max($0)', 'greatest($0)', 'integers'),
      this.#form('($0)[$1]', '($0)[$1]', 'integers', 'integer'),
      this.#form('coalesce(iq, $0)', '(iq != null ? int(iq) : $0)', 'integer'),
      this.#form('(iq != null && iq > $0 ? iq : $0)', '(iq != null && int(iq) > $0 ? int(iq) : $0)', 'integer'),
      this.#form('int(string($0))', 'exact(int(string($0)))', 'integer'),
      this.#form('int($0)', 'exact(int($0))', 'string'),
      this.#zoned('year', '($0).getFullYear(ZONE)'),
      this.#zoned('month', '(($0).getMonth(ZONE) + 1)'),
      this.#zoned('day', '($0).getDate(ZONE)'),
      this.#zoned('hour', '($0).getHours(ZONE)'),
      this.#zoned('minute', '($0).getMinutes(ZONE)'),
      this.#zoned('second', '($0).getSeconds(ZONE)'),
      this.#zoned('day_of_year', '(($0).getDayOfYear(ZONE) + 1)'),
      this.#zoned('day_of_week', '((($0).getDayOfWeek(ZONE) + 6) % 7 + 1)'),
      this.#form('millisecond($0)', '($0).getMilliseconds()', 'timestamp'),
    ],
    number: [
      this.#form('($0 + $1)', 'nadd($0, $1)', 'number', 'number'),
      this.#form('($0 - $1)', 'nsub($0, $1)', 'number', 'number'),
      this.#form('($0 * $1)', 'nmul($0, $1)', 'number', 'number'),
      this.#form('($0 / $1)', 'ndiv($0, $1)', 'number', 'number'),
      this.#form('($0 / $1)', 'ndiv(double($0), double($1))', 'integer', 'integer'),
      this.#form('($0 * $1)', 'nmul(double($0), $1)', 'integer', 'number'),
      this.#form('($0 - $1)', 'nsub($0, double($1))', 'number', 'integer'),
      this.#form('(-$0)', '(-$0)', 'number'),
      this.#form('double($0)', 'double($0)', 'bigint'),
    ],
    bigint: [
      this.#form('($0 + $1)', '($0 + $1)', 'bigint', 'bigint'),
      this.#form('($0 - $1)', '($0 - $1)', 'bigint', 'bigint'),
      this.#form('($0 * $1)', '($0 * $1)', 'bigint', 'bigint'),
      this.#form('($0 % $1)', 'bmod($0, $1)', 'bigint', 'bigint'),
      this.#form('(-$0)', '(-$0)', 'bigint'),
      this.#form('bigint($0)', '$0', 'integer'),
      this.#form('bigint(string($0))', 'int(string($0))', 'bigint'),
    ],
    decimal: [
      this.#form('($0 + $1)', 'dadd($0, $1)', 'decimal', 'decimal'),
      this.#form('($0 - $1)', 'dsub($0, $1)', 'decimal', 'decimal'),
      this.#form('(w * $0)', 'dmul(w, $0)', 'decimal'),
      this.#form('($0 * $1)', 'dmul($0, string($1))', 'decimal', 'integer'),
      this.#form('(-$0)', 'dsub("0", $0)', 'decimal'),
      this.#form('min($0, $1)', 'dmin($0, $1)', 'decimal', 'decimal'),
    ],
    string: [
      this.#form('($0 + $1)', '($0 + $1)', 'string', 'string'),
      this.#form('upper($0)', 'upper($0)', 'string'),
      this.#form('lower($0)', 'lower($0)', 'string'),
      this.#form('trim($0)', '($0).trim()', 'string'),
      this.#form('replace($0, $1, $2)', 'replaced($0, $1, $2)', 'string', 'string', 'string'),
      this.#form('substring($0, 1, 3)', 'cut($0, 1, 3)', 'string'),
      this.#form('string($0)', 'string($0)', 'integer'),
      this.#form('string($0)', 'string($0)', 'bigint'),
      this.#form('string($0)', 'string($0)', 'boolean'),
      this.#form('join($0, "-")', '($0).join("-")', 'strings'),
      this.#form('($0)[$1]', '($0)[$1]', 'strings', 'integer'),
      this.#form('coalesce(sq, $0)', '(sq != null ? string(sq) : $0)', 'string'),
    ],
    boolean: [
      this.#form('($0 && $1)', '($0 && $1)', 'boolean', 'boolean'),
      this.#form('($0 || $1)', '($0 || $1)', 'boolean', 'boolean'),
      this.#form('(!$0)', '(!$0)', 'boolean'),
      this.#form('($0 == $1)', '($0 == $1)', 'boolean', 'boolean'),
      this.#compare('integer', this.#order),
      this.#compare('number', this.#order),
      this.#compare('bigint', this.#order),
      this.#compare('string', this.#order),
      this.#compare('timestamp', this.#order),
      (below) => {
        const operator = this.#pick(this.#order)
        return this.#form(`($0 ${operator} $1)`, `(dcompare($0, $1) ${operator} 0)`, 'decimal', 'decimal')(below)
      },
      this.#form('($0 < $1)', '(double($0) < $1)', 'integer', 'number'),
      this.#form('($0 in $1)', '($0 in $1)', 'integer', 'integers'),
      this.#form('($0 in $1)', '($0 in $1)', 'string', 'strings'),
      this.#form('contains($0, $1)', '($0).contains($1)', 'string', 'string'),
      this.#form('startsWith($0, $1)', '($0).startsWith($1)', 'string', 'string'),
      this.#form('endsWith($0, $1)', '($0).endsWith($1)', 'string', 'string'),
      this.#form('has(sq)', '(sq != null)'),
      (below) => {
        const pattern = `"${this.#pick(patterns)}"`
        return this.#form(`matches($0, ${pattern})`, `($0).matches(${pattern})`, 'string')(below)
      },
      ...(['all', 'exists', 'exists_one'] as const).flatMap((macro) => [
        this.#loop('integers', macro, 'boolean'),
        this.#loop('strings', macro, 'boolean'),
      ]),
    ],
    timestamp: [
      this.#form('($0 + duration("90m"))', '($0 + duration("90m"))', 'timestamp'),
      this.#form('($0 - duration("36h"))', '($0 - duration("36h"))', 'timestamp'),
      this.#form('timestamp(string($0))', 'timestamp(string($0))', 'timestamp'),
    ],
    integers: [
      this.#loop('integers', 'filter', 'boolean'),
      this.#loop('integers', 'map', 'integer'),
      this.#loop('strings', 'map', 'integer'),
    ],
    strings: [
      this.#loop('strings', 'filter', 'boolean'),
      this.#loop('strings', 'map', 'string'),
      this.#loop('integers', 'map', 'string'),
      this.#form('split($0, $1)', '($0).split($1)', 'string', 'string'),
    ],
  }
}
