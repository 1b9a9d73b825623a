/** Bars whose labels and values are text, so that they are a table as well. A bar that leads somewhere is a link. */
import { count } from '../text.ts'
import { Link } from '../ui.tsx'
import { type Answered, linkOf, numbersOf, textsOf } from './contract.ts'

/** One bar for each row and each of `y`, lying, longest value full width. */
export function Bars(props: { readonly answer: Answered; readonly x: string; readonly y: readonly string[] }) {
  const { answer, x, y } = props
  const labels = textsOf(answer, x)
  const series = y.map((name) => ({ name, texts: textsOf(answer, name), values: numbersOf(answer, name) }))
  const most = Math.max(0, ...series.flatMap(({ values }) => values.filter(Number.isFinite)))
  return (
    <ul class="bars">
      {labels.map((label, row) => {
        const to = linkOf(answer, row)
        const inside = (
          <>
            <span class="label">{label}</span>
            <span class="lanes">
              {series.map(({ name, texts, values }, i) => (
                <span key={name} class="lane">
                  <i
                    aria-hidden="true"
                    class={`bar s${i}`}
                    style={{ width: `${most > 0 ? (Math.max(0, values[row]!) / most) * 100 : 0}%` }}
                  />
                  <b>{Number.isSafeInteger(values[row]) ? count(values[row]!) : texts[row]}</b>
                  {series.length > 1 ? <span class="quiet"> {name}</span> : null}
                </span>
              ))}
            </span>
          </>
        )
        return (
          <li key={row}>
            {to === undefined ? (
              <span class="row">{inside}</span>
            ) : (
              <Link class="row" to={to}>
                {inside}
              </Link>
            )}
          </li>
        )
      })}
    </ul>
  )
}
