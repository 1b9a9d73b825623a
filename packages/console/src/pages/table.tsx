/** Rows of an answer. Values are shown as they were sent, with all their digits, and times in UTC. */
import { Link } from '../ui.tsx'
import { VirtualTable } from '../virtual.tsx'
import { type Answered, type Cell, type Column, linkOf } from './contract.ts'

/** Whether values of a column stand to the right. */
export const isNumber = ({ type }: Column): boolean => /^(integer|bigint|number|decimal)/.test(type)
const isTime = ({ type }: Column): boolean => type.startsWith('timestamp')

/** The columns of `shown`, or all. */
export function AnswerTable(props: {
  readonly answer: Answered
  readonly shown?: readonly string[] | undefined
  readonly name: string
}) {
  const { answer, shown, name } = props
  const columns = shown
    ? shown.map((each) => answer.columns.findIndex((column) => column.name === each)).filter((at) => at >= 0)
    : answer.columns.map((_, at) => at)
  return (
    <VirtualTable
      name={name}
      class="answer"
      count={answer.rows.length}
      head={columns.map((at) => (
        <th key={at} scope="col" class={isNumber(answer.columns[at]!) ? 'number' : ''} title={answer.columns[at]!.type}>
          <ColumnName column={answer.columns[at]!} />
        </th>
      ))}
      row={(i) =>
        columns.map((at) => {
          const column = answer.columns[at]!
          const to = linkOf(answer, i, column.name)
          const text = <CellText cell={answer.rows[i]![at]!} column={column} />
          return (
            <td key={at} class={isNumber(column) ? 'number' : ''}>
              {to === undefined ? text : <Link to={to}>{text}</Link>}
            </td>
          )
        })
      }
    />
  )
}

/** A column's name; a time says its zone. */
export const ColumnName = ({ column }: { readonly column: Column }) => (
  <>
    {column.name}
    {isTime(column) ? <span class="unit"> UTC</span> : null}
  </>
)

/** A value as it was sent. */
export function CellText({ cell, column }: { readonly cell: Cell; readonly column: Column }) {
  if (cell === null)
    return (
      <span class="quiet" title="null">
        –
      </span>
    )
  const text = String(cell)
  return <>{isTime(column) ? text.replace('T', ' ').replace(/(\.000)?Z$/, '') : text}</>
}
