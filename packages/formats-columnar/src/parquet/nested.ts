/**
 * Columns of lists, structs and maps, put together from their levels as in Dremel
 * (https://research.google/pubs/dremel-interactive-analysis-of-web-scale-datasets-2/): a repetition level says which
 * list an entry continues (0: a new row), and a definition level how deep its value is present. All columns of one
 * field are read side by side; if one contradicts another, the file is damaged.
 *
 * A list is an array, a struct an array of its members in order, a map an array of entries, each `[key, value]`.
 */
import { broken } from './broken.ts'
import type { Cursor } from './flat.ts'
import type { SchemaNode } from './footer.ts'
import { type Page, Pages, type PagesOf } from './pages.ts'
import { itemOf, shapeOf } from './shape.ts'

/** Entries of a column that are decoded at a time; no row may have more than `mostEntries`. */
const blockEntries = 1024
const enoughEntries = 256 * 1024
const mostEntries = 4 * 1024 * 1024

/** The decoded entries of one column. */
class Leaf {
  readonly node: SchemaNode
  private readonly pages: Pages
  private repetition: number[] = []
  private definition: number[] = []
  private values: unknown[] = []
  private at = 0
  private valueAt = 0
  /** Rows that begin in the entries not taken yet. */
  private starts = 0
  private ended = false
  private page: Page | undefined
  private left = 0
  private readonly levels = new Int32Array(blockEntries)

  constructor(of: PagesOf) {
    this.node = of.leaf
    this.pages = new Pages(of)
  }

  /** Decodes until `n` rows are complete, or some rows and enough entries; returns how many rows are. */
  async fill(n: number): Promise<number> {
    this.forget()
    for (;;) {
      const whole = this.ended ? this.starts : Math.max(0, this.starts - 1)
      if (whole >= n || (whole > 0 && this.definition.length >= enoughEntries)) return Math.min(whole, n)
      if (this.ended) throw broken(`the column ${this.node.name} has fewer values than rows`)
      if (this.definition.length > mostEntries)
        throw broken(`a row of the column ${this.node.name} has more than ${mostEntries} values`)
      await this.more()
    }
  }

  private async more(): Promise<void> {
    while (this.left === 0) {
      this.page = await this.pages.next()
      if (!this.page) {
        this.ended = true
        return
      }
      this.left = this.page.entries
    }
    const n = Math.min(this.left, blockEntries)
    this.left -= n
    const { repetition, definition, read } = this.page!
    const { repeats, definition: whole } = this.node
    this.decode(repetition, repeats, n)
    for (let i = 0; i < n; i++) {
      this.repetition.push(this.levels[i]!)
      if (this.levels[i] === 0) this.starts++
    }
    if (this.repetition[0] !== 0) throw broken('a column does not begin at the start of a row')
    this.decode(definition, whole, n)
    let there = 0
    for (let i = 0; i < n; i++) {
      this.definition.push(this.levels[i]!)
      if (this.levels[i] === whole) there++
    }
    const some = read(there)
    for (let i = 0; i < there; i++) this.values.push(some[i])
  }

  private decode(reader: Page['repetition'], most: number, n: number): void {
    if (reader) reader.read(this.levels, n)
    else this.levels.fill(0, 0, n)
    for (let i = 0; i < n; i++) if (this.levels[i]! > most) throw broken('a level is higher than the schema allows')
  }

  /** The definition level of the next entry; -1: there is none. */
  peek(): number {
    return this.definition[this.at] ?? -1
  }

  /** Whether the next entry continues the list of this level. */
  goesOn(level: number): boolean {
    return this.repetition[this.at] === level
  }

  /** Takes an entry, which must repeat at this level; returns its definition level. */
  take(level: number): number {
    if (this.repetition[this.at] !== level) throw broken('the columns of a field contradict each other')
    if (level === 0) this.starts--
    return this.definition[this.at++]!
  }

  value(): unknown {
    return this.values[this.valueAt++]
  }

  private forget(): void {
    this.repetition.splice(0, this.at)
    this.definition.splice(0, this.at)
    this.values.splice(0, this.valueAt)
    this.at = this.valueAt = 0
  }

  async finish(): Promise<void> {
    this.forget()
    while (!this.ended && this.definition.length === 0) await this.more()
    if (this.definition.length > 0) throw broken(`the column ${this.node.name} has more values than rows`)
    this.pages.close()
  }
}

/** Makes the value whose first entries repeat at `level`. */
type Build = (level: number) => unknown

function builderOf(node: SchemaNode, parent: number, leaves: readonly Leaf[], base: number): Build {
  const own = leaves.slice(node.firstLeaf - base, node.endLeaf - base)
  const [first] = own
  if (!first) throw broken('a group of the schema has no columns')
  if (node.repetition === 'REPEATED') {
    const item = presentOf(node, leaves, base)
    return (level) => {
      if (first.peek() < node.definition) return passed(own, level, parent, node.definition, [])
      const items = [item(level)]
      while (first.goesOn(node.repeats)) items.push(item(node.repeats))
      return items
    }
  }
  const present = presentOf(node, leaves, base)
  if (node.repetition === 'REQUIRED') return present
  return (level) =>
    first.peek() < node.definition ? passed(own, level, parent, node.definition, null) : present(level)
}

/** Makes a present value. */
function presentOf(node: SchemaNode, leaves: readonly Leaf[], base: number): Build {
  if (node.type) {
    const leaf = leaves[node.firstLeaf - base]!
    return (level) => {
      if (leaf.take(level) !== node.definition) throw broken('the columns of a field contradict each other')
      return leaf.value()
    }
  }
  const shape = shapeOf(node)
  const inside = (child: SchemaNode) => builderOf(child, node.definition, leaves, base)
  if (shape !== 'struct') {
    const [repeated] = node.children as [SchemaNode]
    const item = itemOf(node)
    if (shape === 'map' || item === repeated) return inside(repeated)
    // The repeated group only serves to repeat: its one member is the item.
    const build = inside(repeated)
    return (level) => (build(level) as unknown[][]).map(([only]) => only)
  }
  const members = node.children.map(inside)
  return (level) => members.map((member) => member(level))
}

/** Takes the entries of an absent value: in every column it is missing from the same depth on. */
function passed<T>(leaves: readonly Leaf[], level: number, parent: number, own: number, value: T): T {
  for (const leaf of leaves) {
    const depth = leaf.take(level)
    if (depth < parent || depth >= own) throw broken('the columns of a field contradict each other')
  }
  return value
}

/** The cursor of a field that has several columns or repeats. */
export function nestedCursor(node: SchemaNode, columns: readonly PagesOf[]): Cursor {
  const leaves = columns.map((of) => new Leaf(of))
  const build = builderOf(node, 0, leaves, node.firstLeaf)
  const fill = async (n: number) => {
    let ready = n
    for (const leaf of leaves) ready = Math.min(ready, await leaf.fill(ready))
    return ready
  }
  return {
    fill,
    take: (n) => Promise.resolve(Array.from({ length: n }, () => build(0))),
    async skip(n) {
      for (let rest = n; rest > 0; ) {
        const ready = await fill(Math.min(rest, 1000))
        for (let i = 0; i < ready; i++) build(0)
        rest -= ready
      }
    },
    async finish() {
      for (const leaf of leaves) await leaf.finish()
    },
  }
}
