/** Histograms and lines as SVG, drawn to the width they have. Their numbers are beside them as a table. */
import type { ComponentChildren } from 'preact'
import { go } from '../route.ts'
import { compact } from '../text.ts'
import { spread, ticks, useWidth } from './axis.ts'
import { type Answered, linkOf, numbersOf, textsOf } from './contract.ts'

const heightPx = 240
const [left, right, bottom, above] = [52, 20, 30, 12]

interface Frame {
  readonly width: number
  x(share: number): number
  y(value: number): number
}

/** Axes: `labels` stand below at their share of the width. */
function Chart(props: {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly labels: readonly { readonly at: number; readonly text: string }[]
  readonly children: (frame: Frame) => ComponentChildren
}) {
  const { ref, width } = useWidth()
  const marks = ticks(props.least, props.most)
  const [low, high] = [marks[0]!, marks.at(-1)!]
  const frame: Frame = {
    width: Math.max(0, width - left - right),
    x: (share) => left + share * Math.max(0, width - left - right),
    y: (value) => above + (1 - (value - low) / (high - low)) * (heightPx - above - bottom),
  }
  return (
    <div class="chart" ref={ref}>
      {width > 0 ? (
        <svg width={width} height={heightPx} role="group" aria-label={props.name}>
          {marks.map((value) => (
            <g key={value} class="tick" aria-hidden="true">
              <line x1={left} x2={width - right} y1={frame.y(value)} y2={frame.y(value)} />
              <text x={left - 8} y={frame.y(value) + 4} class="end">
                {compact(value)}
              </text>
            </g>
          ))}
          {props.labels.map(({ at, text }) => (
            <text key={at} class="below" x={frame.x(at)} y={heightPx - 9} aria-hidden="true">
              {text}
            </text>
          ))}
          {props.children(frame)}
        </svg>
      ) : null}
    </div>
  )
}

/** Bars side by side, from the lower bound of the first bin to the upper one of the last. */
export function Histogram(props: {
  readonly answer: Answered
  readonly bin: readonly [string, string]
  readonly y: string
  readonly name: string
}) {
  const { answer, bin, y, name } = props
  const [lows, highs, values] = [numbersOf(answer, bin[0]), numbersOf(answer, bin[1]), numbersOf(answer, y)]
  const [first, last] = [Math.min(...lows), Math.max(...highs)]
  const share = (value: number) => (last > first ? (value - first) / (last - first) : 0)
  const known = values.filter(Number.isFinite)
  const labels = ticks(first, last, 6)
    .filter((value) => value >= first && value <= last)
    .map((value) => ({ at: share(value), text: compact(value) }))
  return (
    <Chart name={name} least={Math.min(...known)} most={Math.max(...known)} labels={labels}>
      {(frame) =>
        values.map((value, row) => {
          const to = linkOf(answer, row)
          const x = frame.x(share(lows[row]!))
          const whole = frame.x(share(highs[row]!)) - x
          const wide = Math.max(1, whole > 4 ? whole - 1 : whole)
          const says = `${lows[row]} to ${highs[row]}: ${value} ${y}`
          const bar = (
            <>
              <title>{says}</title>
              <rect class="reach" x={x} y={above} width={wide} height={heightPx - above - bottom} />
              <rect
                class="bar"
                x={x}
                y={frame.y(value)}
                width={wide}
                height={Math.max(0, frame.y(0) - frame.y(value))}
              />
            </>
          )
          if (to === undefined) return <g key={row}>{bar}</g>
          const follow = (event: MouseEvent) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
            event.preventDefault()
            go(to)
          }
          return (
            <a key={row} href={to} aria-label={says} onClick={follow}>
              {bar}
            </a>
          )
        })
      }
    </Chart>
  )
}

/** A line for each of `y`, over times or numbers at their distances, over other values side by side. */
export function Lines(props: {
  readonly answer: Answered
  readonly x: string
  readonly y: readonly string[]
  readonly name: string
}) {
  const { answer, x, y, name } = props
  const column = answer.columns.find((each) => each.name === x)
  const isTime = column?.type.startsWith('timestamp') || column?.type === 'date'
  const texts = textsOf(answer, x)
  const places = isTime ? texts.map((text) => Date.parse(text)) : numbersOf(answer, x)
  const isScaled = places.every(Number.isFinite)
  const at = isScaled ? places : texts.map((_, i) => i)
  const [first, last] = [Math.min(...at), Math.max(...at)]
  const share = (value: number) => (last > first ? (value - first) / (last - first) : 0.5)
  const series = y.map((each) => ({ name: each, values: numbersOf(answer, each) }))
  const known = series.flatMap(({ values }) => values.filter(Number.isFinite))
  const days = isTime && last - first > 2 * 86_400_000
  const short = (text: string) => (isTime ? (days ? text.slice(5, 10) : text.slice(11, 16)) : text)
  const labels = spread(texts.length, 5).map((i) => ({ at: share(at[i]!), text: short(texts[i]!) }))
  return (
    <>
      <ul class="legend">
        {series.map((each, i) => (
          <li key={each.name}>
            <svg width="26" height="10" aria-hidden="true">
              <path class={`line s${i % 4}`} d="M1 5H25" />
            </svg>
            {each.name}
          </li>
        ))}
        {isTime ? <li class="quiet">times in UTC</li> : null}
      </ul>
      <Chart name={name} least={Math.min(...known)} most={Math.max(...known)} labels={labels}>
        {(frame) =>
          series.map(({ name: own, values }, i) => (
            <g key={own}>
              <path class={`line s${i % 4}`} d={pathOf(values, (row) => frame.x(share(at[row]!)), frame.y)} />
              {values.map((value, row) =>
                Number.isFinite(value) && values.length <= frame.width / 8 ? (
                  <circle key={row} class={`dot s${i % 4}`} cx={frame.x(share(at[row]!))} cy={frame.y(value)} r="2.5">
                    <title>{`${texts[row]}: ${value} ${own}`}</title>
                  </circle>
                ) : null,
              )}
            </g>
          ))
        }
      </Chart>
    </>
  )
}

/** What is not known interrupts the line. */
function pathOf(values: readonly number[], x: (row: number) => number, y: (value: number) => number): string {
  return values
    .map((value, row) => {
      if (!Number.isFinite(value)) return ''
      const isFirst = row === 0 || !Number.isFinite(values[row - 1]!)
      return `${isFirst ? 'M' : 'L'}${x(row).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}
