/**
 * Values of `${var:...}` and `${env:...}` in an expression. They are bound, not spliced: each becomes one literal, a
 * part of one literal, or a name between backticks, whatever characters it has. So an expression has the same shape
 * with every value.
 */
import { tokens } from '../expression/read/lexer.ts'
import { BadSyntax } from '../expression/read/problem.ts'
import type { Insert } from './tree.ts'

/** The text of the expression, or what is wrong with it. */
export type BoundText = { readonly text: string } | { readonly problem: string }

/** Binds the values that were put into a text. */
export function bindValues(text: string, inserts: readonly Insert[]): BoundText {
  // Each value is replaced by a name that the text does not have; then the tokens show where it is.
  let mark = 'v'
  while (text.includes(mark)) mark += '_v'
  let open = ''
  let last = 0
  for (const [k, { start, end }] of inserts.entries()) {
    open += `${text.slice(last, start)}${mark}${k}${mark}`
    last = end
  }
  open += text.slice(last)
  const pattern = new RegExp(`${mark}(\\d+)${mark}`, 'g')
  const alone = new RegExp(`^${mark}(\\d+)${mark}$`)
  const valueOf = ({ start, end }: Insert) => text.slice(start, end)
  const filled = (part: string) => part.replaceAll(pattern, (_, k: string) => valueOf(inserts[Number(k)]!))
  const written = (part: string) => part.replaceAll(pattern, (_, k: string) => inserts[Number(k)]!.written)

  let bound = ''
  let at = 0
  try {
    for (const token of tokens(open)) {
      bound += written(open.slice(at, token.start))
      at = token.end
      const source = open.slice(token.start, token.end)
      const insert = inserts[Number(alone.exec(source)?.[1])]
      if (!source.includes(mark)) bound += source
      else if (insert) bound += literal(valueOf(insert), insert.isText)
      else if (token.kind === 'text') bound += JSON.stringify(filled(token.value))
      else if (token.kind === 'name' && token.quoted && !filled(token.value).includes('`'))
        bound += `\`${filled(token.value)}\``
      else
        return {
          problem: `\`${written(source)}\`: a value must be a whole literal, part of a text between quotes, or, if it contains no backtick, part of a name between backticks`,
        }
    }
  } catch (error) {
    if (!(error instanceof BadSyntax)) throw error
    return { problem: written(error.message) }
  }
  return { text: bound }
}

/** Whether a value is bound as text: it was declared as text, or is neither a number nor a boolean. */
export const isTextValue = (value: string, isText: boolean): boolean =>
  isText || !/^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(value)

function literal(value: string, isText: boolean): string {
  if (isTextValue(value, isText)) return JSON.stringify(value)
  return value.startsWith('-') ? `(${value})` : value
}
