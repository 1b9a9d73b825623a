/**
 * The drawings of docs/architecture.md: every box leads to its file, and the table below a drawing explains every box.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crashPoints } from '../packages/core/src/crash.ts'
import { readFileSync } from 'node:fs'
import { blocksOf, root } from './pages/blocks.ts'

const page = 'docs/architecture.md'
const text = readFileSync(join(root, page), 'utf8')
const drawings = blocksOf(page).filter(({ language }) => language === 'mermaid')

/** Boxes by id, with their labels, except those that are not ours. */
function boxesOf(drawing: string): Map<string, string> {
  const boxes = new Map<string, string>()
  for (const line of drawing.split('\n').filter((each) => /-->|-\.|\["/.test(each))) {
    for (const [, id, label] of line.replaceAll(/-\. "[^"]*" \.->/g, '-->').matchAll(/(\w+)(?:\[\(?"([^"]+)"\)?\])?/g))
      if (id !== 'flowchart' && (label !== undefined || !boxes.has(id!))) boxes.set(id!, label ?? id!)
  }
  return boxes
}

describe.each(drawings.map(({ text: drawing }, i) => [i + 1, drawing] as const))('drawing %i', (_, drawing) => {
  const boxes = boxesOf(drawing)
  const links = new Map([...drawing.matchAll(/click (\w+) href "([^"]+)"/g)].map(([, id, path]) => [id!, path!]))

  it('links each of its boxes to a file', () => {
    expect(boxes.size).toBeGreaterThan(4)
    expect([...boxes.keys()].filter((id) => !links.has(id) && id !== 'yaml')).toEqual([])
    expect([...links.values()].filter((path) => !existsSync(join(root, 'docs', path)))).toEqual([])
  })

  it('has a line in the table below for each, with the same file', () => {
    const after = text.slice(text.indexOf(drawing))
    const rows = [...after.matchAll(/^\| ([^|]+?) \|.*\]\(([^)]+)\) \|$/gm)].map(([, name, path]) => [name!, path!])
    const missing = [...links].filter(([id, path]) => {
      const name = boxes.get(id)!.split(':')[0]!
      return !rows.some(([row, file]) => row === name && file === path)
    })
    expect(missing).toEqual([])
  })
})

it('the table of kills names every point of the engine', () => {
  const source = readFileSync(join(root, 'packages/core/src/run/component.ts'), 'utf8')
  const table = source.slice(source.indexOf('| killed at |'), source.indexOf('*/'))
  expect(crashPoints.filter((point) => !new RegExp(`\\b${point}\\b`).test(table))).toEqual([])
})
