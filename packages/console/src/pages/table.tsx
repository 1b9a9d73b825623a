/**
 * Rows of an answer. Up to a few hundred are all in the page, so that find works; of more, only those in sight are, in
 * rows of one height. Values are shown as they were sent, with all their digits, and times in UTC.
 */
import { useState } from 'preact/hooks'
import { Link } from '../ui.tsx'
import { type Answered, type Cell, type Column, linkOf } from './contract.ts'

const mostWhole = 300
const rowPx = 34
const heightPx = 560

const isNumber = ({ type }: Column): boolean => /^(integer|bigint|number|decimal)/.test(type)
const isTime = ({ type }: Column): boolean => type.startsWith('timestamp')

/** The columns of `shown`, or all. */
export function AnswerTable(props: {
  readonly answer: Answered
  readonly shown?: readonly string[] | undefined
  readonly name: string
}) {
  const { answer, shown, name } = props
  const [top, setTop] = useState(0)
  const columns = shown
    ? shown.map((each) => answer.columns.findIndex((column) => column.name === each)).filter((at) => at >= 0)
    : answer.columns.map((_, at) => at)
  const isWhole = answer.rows.length <= mostWhole
  const from = isWhole ? 0 : Math.max(0, Math.floor(top / rowPx) - 10)
  const to = isWhole ? answer.rows.length : Math.min(answer.rows.length, from + Math.ceil(heightPx / rowPx) + 20)
  return (
    <div
      class={isWhole ? 'scroll' : 'scroll tall'}
      tabIndex={0}
      role="region"
      aria-label={name}
      onScroll={({ currentTarget }) => isWhole || setTop(currentTarget.scrollTop)}
    >
      <table class="answer" aria-rowcount={answer.rows.length + 1}>
        <thead>
          <tr>
            {columns.map((at) => {
              const column = answer.columns[at]!
              return (
                <th key={at} scope="col" class={isNumber(column) ? 'number' : ''} title={column.type}>
                  {column.name}
                  {isTime(column) ? <span class="unit"> UTC</span> : null}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} />
          {answer.rows.slice(from, to).map((row, i) => (
            <tr key={from + i} aria-rowindex={from + i + 2}>
              {columns.map((at) => {
                const column = answer.columns[at]!
                const to = linkOf(answer, from + i, column.name)
                const text = <CellText cell={row[at]!} column={column} />
                return (
                  <td key={at} class={isNumber(column) ? 'number' : ''}>
                    {to === undefined ? text : <Link to={to}>{text}</Link>}
                  </td>
                )
              })}
            </tr>
          ))}
          <Gap rows={answer.rows.length - to} />
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

function CellText({ cell, column }: { readonly cell: Cell; readonly column: Column }) {
  if (cell === null)
    return (
      <span class="quiet" title="null">
        –
      </span>
    )
  const text = String(cell)
  return <>{isTime(column) ? text.replace('T', ' ').replace(/(\.000)?Z$/, '') : text}</>
}
