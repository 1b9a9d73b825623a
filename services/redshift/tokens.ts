/** SQL as tokens: enough to tell words, names and texts apart. */

/** A token as it is written. */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'other'
  readonly text: string
  /** White space and comments before it. */
  readonly before: string
}

const pattern =
  /(?<before>(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)*)(?:(?<word>[A-Za-z_][\w$]*)|(?<name>"(?:[^"]|"")*")|(?<text>'(?:[^']|'')*')|(?<other>::|\d+(?:\.\d+)?|[\s\S]))/y

/** All tokens of a text. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = []
  pattern.lastIndex = 0
  for (let found = pattern.exec(sql); found; found = pattern.exec(sql)) {
    const { before = '', ...kinds } = found.groups as Record<string, string | undefined>
    const [kind, text] = Object.entries(kinds).find(([, each]) => each !== undefined)!
    tokens.push({ kind: kind as Token['kind'], text: text!, before })
  }
  return tokens
}

/** The text of tokens. */
export const textOf = (tokens: readonly Token[]): string => tokens.map(({ before, text }) => before + text).join('')

/** The statements of a text, without their semicolons. */
export function statementsOf(sql: string): Token[][] {
  const statements: Token[][] = [[]]
  for (const token of tokensOf(sql)) {
    if (token.text === ';') statements.push([])
    else statements.at(-1)!.push(token)
  }
  return statements.filter((tokens) => tokens.some(({ text }) => text.trim() !== ''))
}

/** A token as it is compared: words in upper case. */
export const plain = ({ kind, text }: Token): string => (kind === 'word' ? text.toUpperCase() : text)

/** Where a sequence of tokens begins; -1: nowhere. */
export function findWords(tokens: readonly Token[], words: readonly string[]): number {
  const written = tokens.map(plain)
  return written.findIndex((_, at) => words.every((word, k) => written[at + k] === word))
}

/** The index after the bracket that closes the one at `open`. */
export function afterBracket(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]!.text === '(') depth++
    else if (tokens[at]!.text === ')' && --depth === 0) return at + 1
  }
  return tokens.length
}
