/** The messages of a stream, newest first over all its partitions, and those that come. */
import { useEffect, useState } from 'preact/hooks'
import { api, type ApiError } from '../api.ts'
import { usePlace } from '../route.ts'
import { type Row, useTail } from '../tail.ts'
import { bytes, count, counted, time, zone } from '../text.ts'
import { Link, Problem, Scroll, useAnswer, Waiting } from '../ui.tsx'
import { VirtualTable } from '../virtual.tsx'
import type { Gap, Message, MessagePage, SplitLine } from '../wire/index.ts'
import { begin, Find } from './find-messages.tsx'
import { MessageCard } from './message.tsx'
import { addressOf } from './streams.tsx'

const pageSize = 100

export function Messages({ place, stream }: { readonly place: string; readonly stream: string }) {
  const { query } = usePlace()
  const here = addressOf({ place, stream })
  const path = `/api${here}`
  const search = query.get('search') ?? ''
  const until = query.get('until') ?? ''
  const split = query.get('split') ?? ''
  const position = query.get('position') ?? ''
  const isPast = until !== '' || position !== ''
  const only: Readonly<Record<string, string>> = split === '' ? {} : { split }
  const asked = new URLSearchParams({ limit: String(pageSize), search, ...only, ...begin(until, split, position) })
  const { value, error, again } = useAnswer<MessagePage>(`${path}/messages?${asked}`)
  const [isOn, setOn] = useState(false)
  const { tail, setRows } = useTail(path, value?.end, { search, ...only }, isOn && !isPast)
  const [older, setOlder] = useState<{ readonly of: string; readonly pages: readonly MessagePage[] }>({
    of: '',
    pages: [],
  })
  const [chosen, setChosen] = useState<Message>()
  const [failed, setFailed] = useState<ApiError>()
  const pages = value ? [value, ...(older.of === value.end ? older.pages : [])] : []
  const rows: Row[] = [...tail.rows, ...pages.flatMap((page) => page.messages.map((message) => ({ message })))]
  const next = pages.at(-1)?.older
  useEffect(() => setChosen(undefined), [here])

  const load = async (parameters: Readonly<Record<string, string>>): Promise<MessagePage | undefined> => {
    setFailed(undefined)
    try {
      const query = new URLSearchParams({ limit: String(pageSize), search, ...only, ...parameters })
      return await api<MessagePage>(`${path}/messages?${query}`)
    } catch (cause) {
      setFailed(cause as ApiError)
      return undefined
    }
  }
  const loadOlder = async () => {
    const page = await load({ before: next! })
    if (page) setOlder((was) => ({ of: value!.end, pages: [...(was.of === value!.end ? was.pages : []), page] }))
  }
  const loadGap = async (gap: Gap) => {
    const { split, after, before } = gap
    const page = await load({ split, after, before: JSON.stringify({ [split]: before }) })
    if (!page) return
    const left = page.older === null ? null : (JSON.parse(page.older) as Record<string, Gap['before'] | null>)[split]
    const rest = left ? [{ gap: { ...gap, before: left, messages: gap.messages - page.messages.length } }] : []
    setRows((were) =>
      were.flatMap((row) =>
        'gap' in row && row.gap === gap ? [...page.messages.map((message) => ({ message })), ...rest] : [row],
      ),
    )
  }
  return (
    <main>
      <p class="crumbs">
        <Link to="/streams">Streams</Link>
        <span>{place}</span>
      </p>
      <div class="head">
        <h1>{stream}</h1>
        <span class="buttons">
          <button
            type="button"
            class={isOn ? '' : 'main'}
            disabled={!value || isPast}
            title={isPast ? 'Only the newest can be followed' : undefined}
            onClick={() => setOn(!isOn)}
          >
            {isOn ? 'Stop' : 'Follow'}
          </button>
          <button
            type="button"
            disabled={isOn}
            onClick={() => {
              setRows(() => [])
              again()
            }}
          >
            Look again
          </button>
        </span>
      </div>
      <Find here={here} given={{ search, until, split, position }} splits={value?.splits ?? []} />
      <Problem error={error ?? failed ?? tail.error} />
      {value ? (
        <>
          <Extent splits={value.splits} />
          <p class="counts" role="status">
            <Counts page={pages} search={search} tail={tail} isOn={isOn} shown={rows} />
          </p>
          {value.splits.length === 0 ? (
            <p class="quiet">There is no such stream yet: its first writer makes it.</p>
          ) : rows.length === 0 ? (
            <p class="quiet">{search === '' ? 'It is empty.' : 'No message that was looked at has this text.'}</p>
          ) : (
            <VirtualTable
              name={`Messages of ${stream}`}
              class="answer messages"
              isBounded
              count={rows.length}
              head={
                <>
                  <th scope="col">
                    Time <span class="unit">{zone}</span>
                  </th>
                  <th scope="col">Partition</th>
                  <th scope="col" class="number">
                    Position
                  </th>
                  <th scope="col">Key</th>
                  <th scope="col" class="number">
                    Size
                  </th>
                  <th scope="col">Value</th>
                </>
              }
              attributes={(i) => ({ class: 'gap' in rows[i]! ? 'left-out' : isSame(rows[i]!, chosen) ? 'chosen' : '' })}
              row={(i) => <Cells row={rows[i]!} choose={setChosen} load={loadGap} />}
            />
          )}
          {next ? (
            <p>
              <button type="button" onClick={() => void loadOlder()}>
                {search === '' ? 'Older messages' : 'Search older messages'}
              </button>
            </p>
          ) : null}
          {chosen ? <MessageCard key={idOf(chosen)} path={path} message={chosen} /> : null}
        </>
      ) : error ? null : (
        <Waiting />
      )}
    </main>
  )
}

const idOf = ({ split, position }: Message): string => `${split} ${position}`
const isSame = (row: Row, message: Message | undefined): boolean =>
  'message' in row && message !== undefined && idOf(row.message) === idOf(message)

/** What is there, by partition. */
function Extent({ splits }: { readonly splits: readonly SplitLine[] }) {
  const ranges = splits.flatMap(({ range }) => range ?? [])
  const all = ranges.reduce((sum, { first, next }) => sum + next - first, 0)
  return (
    <details>
      <summary>
        {counted(splits.length, 'partition')}
        {ranges.length > 0 ? `, ${counted(all, 'position')}` : ''}
      </summary>
      <Scroll name="Partitions">
        <table>
          <thead>
            <tr>
              <th>Partition</th>
              <th class="number">First</th>
              <th class="number">Next</th>
              <th class="number">Positions</th>
            </tr>
          </thead>
          <tbody>
            {splits.map(({ split, range }) => (
              <tr key={split}>
                <td>{split}</td>
                <td class="number">{range ? count(range.first) : ''}</td>
                <td class="number">{range ? count(range.next) : ''}</td>
                <td class="number">{range ? count(range.next - range.first) : 'not numbered'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  )
}

function Counts(props: {
  readonly page: readonly MessagePage[]
  readonly search: string
  readonly tail: ReturnType<typeof useTail>['tail']
  readonly isOn: boolean
  readonly shown: readonly Row[]
}) {
  const { page, search, tail, isOn, shown } = props
  const messages = shown.filter((row) => 'message' in row).length
  const looked = page.reduce((sum, each) => sum + each.looked, 0)
  const left = tail.matching - tail.rows.filter((row) => 'message' in row).length
  return (
    <>
      <b>{counted(messages, 'message')} shown</b>
      {search === '' ? '' : `, which have “${search}”, of ${count(looked + tail.came)} looked at`}.{' '}
      {tail.came > 0 || isOn ? (
        <>
          {counted(tail.came, 'message')} came{search === '' ? '' : `, ${count(tail.matching)} of them found`}
          {left > 0 ? `; ${count(left)} are not shown` : ''}.{' '}
          {!isOn ? 'Stopped.' : !tail.isConnected ? 'Connecting…' : tail.isCaughtUp ? 'Up to date.' : 'Catching up…'}
        </>
      ) : null}
    </>
  )
}

function Cells(props: {
  readonly row: Row
  readonly choose: (message: Message) => void
  readonly load: (gap: Gap) => Promise<void>
}) {
  const { row, choose, load } = props
  if ('gap' in row)
    return (
      <td colSpan={6}>
        {counted(row.gap.messages, 'message')} of partition {row.gap.split} left out{' '}
        <button type="button" class="small" onClick={() => void load(row.gap)}>
          Load {row.gap.messages > pageSize ? `the newest ${pageSize}` : row.gap.messages === 1 ? 'it' : 'them'}
        </button>
      </td>
    )
  const { message } = row
  return (
    <>
      <td>{message.atMs === null ? '–' : time(message.atMs)}</td>
      <td>{message.split}</td>
      <td class="number">
        <button type="button" class="link" onClick={() => choose(message)}>
          {message.position}
        </button>
      </td>
      <td class="short">{message.key ?? ''}</td>
      <td class="number">{bytes(message.bytes)}</td>
      <td class="value">{oneLine(message)}</td>
    </>
  )
}

/** The beginning of a message. */
const oneLine = ({ text, base64, bytes: size }: Message): string =>
  text === undefined ? `${size > 0 ? 'not text: ' : ''}${base64!.slice(0, 100)}` : text.slice(0, 300)
