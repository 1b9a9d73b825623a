/** Values as YAML on one line, as test files and their differences show them. */
import { Document, isCollection, visit } from 'yaml'

/** `{ id: 1, name: Ada }`. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  const document = new Document(value, { version: '1.2' })
  if (isCollection(document.contents)) document.contents.flow = true
  visit(document, { Scalar: (_key, node) => void (typeof node.value === 'string' && quoteIfLong(node)) })
  return document.toString({ lineWidth: 0 }).trimEnd()
}

/** Text with line breaks stays on the line. */
function quoteIfLong(node: { value: unknown; type?: string | undefined }): void {
  if (String(node.value).includes('\n')) node.type = 'QUOTE_DOUBLE'
}
