/** Every page of docs/recipes is followed to the letter, in a copy of this repository. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blocksOf, edited, notPrinted, root } from './pages/blocks.ts'
import { cloneOfSources } from './pages/clone.ts'
import { follow } from './pages/follow.ts'

const pages = readdirSync(join(root, 'docs/recipes')).filter((name) => name !== 'README.md')

describe('a recipe', () => {
  it.each(pages)('%s does what it says', { timeout: 180_000 }, async (page) => {
    const blocks = blocksOf(`docs/recipes/${page}`)
    expect(blocks.filter(({ mark }) => mark === 'run').length).toBeGreaterThan(0)
    await follow(blocks, cloneOfSources())
  })
})

describe('what a page shows', () => {
  const text = 'a\nb\nc\n'

  it('is applied where it stands once', () => {
    expect(edited(text, ' a\n+x\n b\n', 'f')).toBe('a\nx\nb\nc\n')
    expect(edited(text, '-b\n+y\n@@\n c\n+z\n', 'f')).toBe('a\ny\nc\nz\n')
  })

  it('is refused where the file is another', () => {
    expect(() => edited(text, ' d\n+x\n', 'f')).toThrow('does not have')
    expect(() => edited('a\na\n', '-a\n+x\n', 'f')).toThrow('more than once')
    expect(() => edited(text, 'a\n+x\n', 'f')).toThrow('begins with')
  })

  it('is compared with what is printed, line by line', () => {
    expect(notPrinted('a ...\nc', 'a 1\nb\nc\n')).toBeUndefined()
    expect(notPrinted('c\na', text)).toBe('a')
    expect(notPrinted('a.', text)).toBe('a.')
  })
})
