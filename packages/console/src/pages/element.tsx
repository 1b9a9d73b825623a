/** An element of a page: its title, its answer or why there is none, and the same as a table or a file. */
import type { ComponentChildren } from 'preact'
import { count } from '../text.ts'
import { Bars } from './bars.tsx'
import { Histogram, Lines } from './charts.tsx'
import type { Answered, PageAnswer, PageElement, PageView } from './contract.ts'
import { AnswerTable } from './table.tsx'

type Element = PageAnswer['elements'][number]

export function ElementCard(props: {
  readonly page: PageView
  readonly element: PageElement
  readonly answer: Element
  /** Where its rows are as a file. */
  readonly csv: string
}) {
  const { page, element, answer, csv } = props
  const name = answer.title ?? element.title ?? element.kind
  if (answer.state === 'waiting') {
    const labels = answer.inputs.map((each) => page.inputs.find((input) => input.name === each)?.label ?? each)
    return <Card title={answer.title}>{<p class="quiet">Enter {labels.join(' and ')} to see this.</p>}</Card>
  }
  if (answer.state === 'failed')
    return (
      <Card title={answer.title}>
        <p class="problem" role="alert">
          <b>{answer.message}</b> {answer.hint} <code>{answer.code}</code>
        </p>
      </Card>
    )
  if (answer.state === 'live')
    return (
      <Card title={answer.title ?? element.rate?.stream}>
        {<p class="quiet">Its rate is on the graph of its pipeline.</p>}
      </Card>
    )
  if (answer.rows.length === 0)
    return <Card title={answer.title}>{<p class="quiet">{element.empty ?? 'No rows.'}</p>}</Card>
  const isTable = element.kind === 'table'
  return (
    <Card title={answer.title} about={<About answer={answer} csv={csv} />}>
      {element.kind === 'value' ? (
        <Values answer={answer} shown={element.columns} />
      ) : element.kind === 'bar' ? (
        <Bars answer={answer} x={element.x ?? answer.columns[0]!.name} y={element.y ?? []} />
      ) : element.kind === 'histogram' && element.bin ? (
        <Histogram answer={answer} bin={element.bin} y={element.y?.[0] ?? ''} name={name} />
      ) : element.kind === 'line' ? (
        <Lines answer={answer} x={element.x ?? answer.columns[0]!.name} y={element.y ?? []} name={name} />
      ) : (
        <AnswerTable answer={answer} shown={element.columns} name={name} />
      )}
      {isTable || element.kind === 'value' || element.kind === 'bar' ? null : (
        <details>
          <summary>The same as a table</summary>
          <AnswerTable answer={answer} name={name} />
        </details>
      )}
    </Card>
  )
}

const Card = (props: {
  readonly title?: string | undefined
  readonly about?: ComponentChildren
  readonly children: ComponentChildren
}) => (
  <section class="card element">
    <div class="head">
      {props.title === undefined ? null : <h2>{props.title}</h2>}
      {props.about}
    </div>
    {props.children}
  </section>
)

/** How many rows there are, and all that are shown as a file. */
function About({ answer, csv }: { readonly answer: Answered; readonly csv: string }) {
  const { rows, total, cut } = answer
  return (
    <span class="about-rows">
      {cut ? (
        <b>
          The first {count(rows.length)} of {count(total)} rows
        </b>
      ) : rows.length === 1 ? null : (
        `${count(rows.length)} rows`
      )}
      <a href={csv} download>
        {cut ? `CSV of these ${count(rows.length)}` : 'CSV'}
      </a>
    </span>
  )
}

const Values = ({ answer, shown }: { readonly answer: Answered; readonly shown?: readonly string[] | undefined }) => (
  <dl class="values">
    {answer.columns.map(({ name }, at) =>
      shown && !shown.includes(name) ? null : (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{String(answer.rows[0]![at] ?? '–')}</dd>
        </div>
      ),
    )}
  </dl>
)
