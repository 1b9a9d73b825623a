/**
 * A table of many rows. Up to a few hundred are all in the page, so that find works; of more, only those in sight are,
 * in rows of one height.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const mostWhole = 300
/** As in the style sheet. */
const rowPx = 34
const heightPx = 560

/** `row` makes the cells of the row at an index; `attributes` what its `tr` has besides. */
export function VirtualTable(props: {
  readonly name: string
  readonly class: string
  readonly count: number
  /** It scrolls by itself also when all rows are in the page, so that what is below stays in sight. */
  readonly isBounded?: boolean
  readonly head: ComponentChildren
  readonly row: (i: number) => ComponentChildren
  readonly attributes?: (i: number) => Readonly<Record<string, unknown>>
  /** Called with the rows that come into sight. */
  readonly seen?: (from: number, to: number) => void
}) {
  const { name, count, isBounded = false, head, row, attributes, seen } = props
  const [top, setTop] = useState(0)
  const isWhole = count <= mostWhole
  const from = isWhole ? 0 : Math.min(count, Math.max(0, Math.floor(top / rowPx) - 10))
  const to = isWhole ? count : Math.min(count, from + Math.ceil(heightPx / rowPx) + 20)
  useEffect(() => seen?.(from, to), [from, to])
  return (
    <div
      class={isWhole && !isBounded ? 'scroll' : 'scroll tall'}
      tabIndex={0}
      role="region"
      aria-label={name}
      onScroll={({ currentTarget }) => isWhole || setTop(currentTarget.scrollTop)}
    >
      <table class={props.class} aria-rowcount={count + 1}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>
          <Gap rows={from} />
          {Array.from({ length: to - from }, (_, i) => (
            <tr key={from + i} aria-rowindex={from + i + 2} {...attributes?.(from + i)}>
              {row(from + i)}
            </tr>
          ))}
          <Gap rows={count - to} />
        </tbody>
      </table>
    </div>
  )
}

const Gap = ({ rows }: { readonly rows: number }) =>
  rows > 0 ? (
    <tr aria-hidden="true">
      <td class="gap" style={{ height: `${rows * rowPx}px` }} />
    </tr>
  ) : null
