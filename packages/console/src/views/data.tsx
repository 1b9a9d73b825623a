/** The rows of a collection or table: searched with an expression, sorted, one as JSON, all as a file. */
import { useState } from 'preact/hooks'
import { CellText, ColumnName, isNumber } from '../pages/table.tsx'
import { go, usePlace } from '../route.ts'
import { useRows } from '../rows.ts'
import { count, counted } from '../text.ts'
import { intoSight, Link, Problem, Time, useAnswer, Waiting } from '../ui.tsx'
import { VirtualTable } from '../virtual.tsx'
import type { DataColumn, QueryProblem } from '../wire/index.ts'
import type { Found } from './collections.tsx'

export function Data({ place, collection }: { readonly place: string; readonly collection: string }) {
  const { value: all, error: none } = useAnswer<Found>('/api/collections')
  const line = all?.collections.find((each) => each.place === place && each.collection === collection)
  return (
    <main>
      <p class="crumbs">
        <Link to="/data">Data</Link>
        <span>{place}</span>
      </p>
      <h1>{collection}</h1>
      <Problem error={none} />
      {line ? (
        <Rows
          here={`/data/${encodeURIComponent(place)}/${encodeURIComponent(collection)}`}
          path={`/api/collections/${encodeURIComponent(place)}/${encodeURIComponent(collection)}`}
          columns={line.columns}
        />
      ) : all ? (
        <p class="quiet">No pipeline of this project writes it.</p>
      ) : none ? null : (
        <Waiting />
      )}
    </main>
  )
}

function Rows(props: { readonly here: string; readonly path: string; readonly columns: readonly DataColumn[] }) {
  const { here, path, columns } = props
  const { query } = usePlace()
  const where = query.get('where') ?? ''
  const sort = query.get('sort') ?? ''
  const scan = query.get('scan') ?? ''
  const asked = new URLSearchParams({ where, sort, scan })
  const rows = useRows(`${path}/rows?${asked}`)
  const { value: total, error: uncounted } = useAnswer<{ readonly rows: number }>(
    `${path}/count?${new URLSearchParams({ where, scan })}`,
  )
  const [chosen, setChosen] = useState<{ readonly id: string; readonly at: number }>()
  const { found, problems, error } = rows
  const to = (changed: Readonly<Record<string, string>>) => {
    const given = Object.entries({ where, sort, scan, ...changed }).filter(([, text]) => text !== '')
    return `${here}?${new URLSearchParams(given)}`
  }
  return (
    <>
      <Search where={where} problems={problems} search={(text) => go(to({ where: text }))} />
      <Problem error={error} />
      {error?.code === 'query_reads_all' ? (
        <p>
          <Link to={to({ scan: 'true' })}>Read all of it</Link>, though its store may bill that.
        </p>
      ) : null}
      {found ? (
        <>
          <p class="counts" role="status">
            <b>
              {found.isCut ? `The first ${count(found.kept)}` : counted(found.kept, 'row')}
              {found.isCut ? ` of ${total ? counted(total.rows, 'row') : uncounted ? 'more rows' : '…'}` : ''}
            </b>
            {where === '' ? '' : ' for which this is true'}, as of <Time ms={found.atMs} />.{' '}
            <button type="button" class="small" onClick={rows.again}>
              Look again
            </button>{' '}
            <span class="files">
              All of them as{' '}
              <a href={`${path}/export?${asked}&format=csv`} download>
                CSV
              </a>{' '}
              or{' '}
              <a href={`${path}/export?${asked}&format=jsonl`} download>
                JSON lines
              </a>
            </span>
          </p>
          {found.kept === 0 ? (
            <p class="quiet">{where === '' ? 'It has no rows.' : 'No row fulfils this condition.'}</p>
          ) : (
            <VirtualTable
              key={found.id}
              name="Rows"
              class="answer data"
              isBounded
              count={found.kept}
              seen={rows.want}
              head={
                <>
                  <th scope="col" class="number">
                    <span class="unseen">Row</span>
                  </th>
                  {columns.map((column) => (
                    <Head key={column.name} column={column} sort={sort} to={to} />
                  ))}
                </>
              }
              attributes={(i) => ({ class: chosen?.id === found.id && chosen.at === i ? 'chosen' : '' })}
              row={(i) => (
                <>
                  <td class="number">
                    <button
                      type="button"
                      class="link"
                      aria-label={`Row ${i + 1} as JSON`}
                      onClick={() => setChosen({ id: found.id, at: i })}
                    >
                      {count(i + 1)}
                    </button>
                  </td>
                  {columns.map((column, at) => {
                    const cell = rows.at(i)?.[at]
                    return (
                      <td key={column.name} class={isNumber(column) ? 'number' : 'cell'}>
                        {cell === undefined ? '…' : <CellText cell={cell} column={column} />}
                      </td>
                    )
                  })}
                </>
              )}
            />
          )}
          {chosen?.id === found.id ? (
            <AsJson path={`${path}/row?${asked}&id=${found.id}&at=${chosen.at}`} n={chosen.at + 1} />
          ) : null}
        </>
      ) : error || problems.length > 0 ? null : (
        <Waiting />
      )}
    </>
  )
}

/** An expression, and what is wrong with it. */
function Search(props: {
  readonly where: string
  readonly problems: readonly QueryProblem[]
  readonly search: (where: string) => void
}) {
  const { where, problems, search } = props
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement).get('where')
    search(typeof given === 'string' ? given.trim() : '')
  }
  return (
    <form class="inputs" onSubmit={submit} key={where}>
      <div class="wide">
        <label for="where">
          Rows for which this is true <span class="quiet">an expression on the columns</span>
        </label>
        <input
          id="where"
          name="where"
          class="expression"
          defaultValue={where}
          placeholder={'customer == "Ada" && amount > 10'}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={problems.length > 0}
          {...(problems.length > 0 ? { 'aria-describedby': 'where-problems' } : {})}
        />
      </div>
      <button type="submit" class="main">
        Search
      </button>
      {problems.length > 0 ? (
        <div id="where-problems" class="bad wide" role="alert">
          {problems.map(({ clause, code, message, hint, span }) => (
            <p key={`${code} ${message}`}>
              {clause === 'where' && span ? <mark>{where.slice(...span)}</mark> : null} {message}
              {hint ? `; ${hint}` : ''} <code>{code}</code>
            </p>
          ))}
        </div>
      ) : null}
    </form>
  )
}

/** A column's name, which sorts by it: up, down, not. */
function Head(props: {
  readonly column: DataColumn
  readonly sort: string
  readonly to: (changed: Readonly<Record<string, string>>) => string
}) {
  const { column, sort, to } = props
  const { name, type, canSort } = column
  const direction = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none'
  const next = direction === 'ascending' ? `-${name}` : direction === 'none' ? name : ''
  return (
    <th scope="col" class={isNumber(column) ? 'number' : ''} title={type} aria-sort={direction}>
      {canSort ? (
        <Link to={to({ sort: next })}>
          <ColumnName column={column} />
          <span aria-hidden="true">{direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ''}</span>
        </Link>
      ) : (
        <ColumnName column={column} />
      )}
    </th>
  )
}

function AsJson({ path, n }: { readonly path: string; readonly n: number }) {
  const { value, error } = useAnswer<{ readonly json: string }>(path)
  return (
    <section class="card" aria-label={`Row ${n} as JSON`} ref={intoSight}>
      <div class="head">
        <h2>Row {count(n)}</h2>
        <button
          type="button"
          class="small"
          disabled={!value}
          onClick={() => void navigator.clipboard.writeText(value!.json)}
        >
          Copy
        </button>
      </div>
      <Problem error={error} />
      {value ? (
        <pre class="message" tabIndex={0}>
          {value.json}
        </pre>
      ) : error ? null : (
        <Waiting />
      )}
    </section>
  )
}
