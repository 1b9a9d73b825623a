/**
 * What a page shows, as steps that a test can run. A mark in a comment before a code block says what the block is:
 *
 * | mark | the block |
 * |---|---|
 * | `file PATH` | is that file, whole |
 * | `edit PATH` | is a diff of that file: lines with `-` or a blank are found in it, lines with `+` are added |
 * | `run` | is commands, in the order of the page; each must exit with 0 |
 * | `run fails` | the same, but each must exit with a code other than 0 |
 * | `output` | is what the commands before it print: each line occurs, in this order; `...` means anything |
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface Block {
  /** Empty: none. */
  readonly mark: string
  readonly language: string
  readonly text: string
}

/** Code blocks of a page, in order. */
export const blocksOf = (page: string): Block[] =>
  [
    ...readFileSync(join(root, page), 'utf8').matchAll(
      /^(?:<!-- ([^\n]*?) -->\n)?(`{3,})(\w*)[^\n]*\n([\s\S]*?)^\2[ \t]*$/gm,
    ),
  ].map(([, mark = '', , language, text]) => ({ mark, language: language!, text: text! }))

/** The text of a page without its code. */
export const proseOf = (page: string): string =>
  readFileSync(join(root, page), 'utf8')
    .replaceAll(/^(`{3,})[\s\S]*?^\1[ \t]*$/gm, '')
    .replaceAll(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]()]/g, '_'))

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const [, title] of text.replaceAll(/^(`{3,})[\s\S]*?^\1[ \t]*$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = title!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-')
    let n = 0
    while (found.has(n === 0 ? anchor : `${anchor}-${n}`)) n++
    found.add(n === 0 ? anchor : `${anchor}-${n}`)
  }
  return found
}

/** A file with a diff applied. Throws if what the diff expects is missing or occurs twice. */
export function edited(text: string, diff: string, path: string): string {
  let result = text
  for (const hunk of diff.split(/^@@.*\n/m).filter((part) => part.trim() !== '')) {
    const lines = hunk.replace(/\n$/, '').split('\n')
    const wrong = lines.find((line) => line !== '' && !/^[-+ ]/.test(line))
    if (wrong !== undefined) throw new Error(`${path}: a line of a diff begins with -, + or a blank: ${wrong}`)
    const side = (without: string) =>
      lines
        .filter((line) => !line.startsWith(without))
        .map((line) => `${line.slice(1)}\n`)
        .join('')
    const before = side('+')
    const at = `\n${result}`.indexOf(`\n${before}`)
    if (at < 0) throw new Error(`${path} does not have what the diff expects:\n${before}`)
    if (`\n${result}`.indexOf(`\n${before}`, at + 1) >= 0)
      throw new Error(`${path} has more than once what the diff expects:\n${before}`)
    result = result.slice(0, at) + side('-') + result.slice(at + before.length)
  }
  return result
}

/** The first line of `shown` that `printed` does not contain after the previous ones; undefined: it contains all. */
export function notPrinted(shown: string, printed: string): string | undefined {
  const lines = printed.split('\n')
  let from = 0
  for (const line of shown.trimEnd().split('\n')) {
    if (line.trim() === '' || line.trim() === '...') continue
    const pattern = new RegExp(`^\\s*${line.trim().split('...').map(RegExp.escape).join('.*')}\\s*$`)
    const at = lines.findIndex((each, i) => i >= from && pattern.test(each))
    if (at < 0) return line
    from = at + 1
  }
  return undefined
}
