/** What the console answers about streams. */
import type { Message, MessagePage, StreamLine, TailTick } from '@millrace/console/wire'
import { fromText, type Json, type Look, MillraceError, type Point } from '@millrace/core'
import type { Opened } from '../../spec.ts'
import type { Accepted } from '../../serve/specs.ts'
import type { ConsoleProject } from '../project.ts'
import type { ConsoleRequest, Route } from '../server.ts'
import { findStreams, lookAt } from './find.ts'
import { readMessage, readPage } from './page.ts'
import { tail } from './tail.ts'

const mostMessages = 500
/** Of one message. */
const mostBytes = 1024 * 1024

/** The routes, by path. `opened`: what is needed to reach the systems of a pipeline. */
export function streamRoutes(
  { reading }: Pick<ConsoleProject, 'reading'>,
  opened: (accepted: Accepted, signal: AbortSignal) => Promise<Opened>,
): Readonly<Record<string, Route>> {
  const looking = async ({ parts: [place, stream], signal }: ConsoleRequest): Promise<Look | undefined> => {
    const found = findStreams(reading().accepted).find(({ line }) => line.place === place && line.stream === stream)
    return found && lookAt(found, await opened(found.accepted, signal))
  }
  /** Answers with the stream that is asked for. */
  const of =
    <T>(answer: (look: Look, asked: ConsoleRequest) => Promise<T>) =>
    async (asked: ConsoleRequest): Promise<T | undefined> => {
      const look = await looking(asked)
      try {
        return look && (await answer(look, asked))
      } finally {
        await look?.close()
      }
    }
  return {
    '/api/streams': {
      answer: (): { readonly streams: readonly StreamLine[] } => ({
        streams: findStreams(reading().accepted).map(({ line }) => line),
      }),
    },
    '/api/streams/*/*/messages': {
      answer: of(async (look, { query, signal }): Promise<MessagePage> => {
        const until = query.get('until')
        const before = until === null ? pointsIn(query.get('before')) : await pointsAt(look, until, signal)
        return readPage(
          look,
          {
            limit: Math.min(mostMessages, Math.max(1, Number(query.get('limit') ?? 100) || 100)),
            search: query.get('search') ?? '',
            ...(before ? { before } : {}),
            split: query.get('split') ?? undefined,
            after: query.has('after') ? positionOf(query.get('after')) : undefined,
          },
          signal,
        )
      }),
    },
    '/api/streams/*/*/message': {
      answer: of((look, { query, signal }): Promise<Message | undefined> => {
        const at = query.get('at')
        const point = { position: positionOf(query.get('position')), ...(at === null ? {} : { atMs: Number(at) }) }
        return readMessage(look, query.get('split') ?? '', point, mostBytes, signal)
      }),
    },
    '/api/streams/*/*/tail': {
      async *events(asked): AsyncGenerator<TailTick> {
        const look = await looking(asked)
        if (!look) throw new MillraceError('not_found', 'no pipeline reads or writes such a stream')
        try {
          const { query, signal } = asked
          const from = jsonIn(query.get('from')) as Readonly<Record<string, Json>> | undefined
          const which = { search: query.get('search') ?? '', split: query.get('split') ?? undefined }
          yield* tail(look, from ?? (await endsOf(look, signal)), which, signal)
        } finally {
          await look.close()
        }
      },
    },
  }
}

async function endsOf(look: Look, signal: AbortSignal): Promise<Readonly<Record<string, Json>>> {
  const splits = await look.splits({ back: 0 }, signal)
  return Object.fromEntries(splits.map(({ split, from }) => [split, from]))
}

async function pointsAt(look: Look, until: string, signal: AbortSignal): Promise<Readonly<Record<string, Point>>> {
  const splits = await look.splits({ fromMs: instantIn(until) }, signal)
  return Object.fromEntries(splits.map(({ split, start }) => [split, start]))
}

const timestamp = fromText({ kind: 'timestamp' })

function instantIn(text: string): number {
  try {
    return timestamp(text) as number
  } catch (error) {
    throw wrong((error as Error).message)
  }
}

function pointsIn(text: string | null): Readonly<Record<string, Point | null>> | undefined {
  const points = jsonIn(text)
  if (points === undefined) return undefined
  return Object.fromEntries(
    Object.entries(points as Record<string, { position?: unknown; atMs?: unknown } | null>).map(([split, point]) => [
      split,
      point && {
        position: point.position === '' ? '' : positionOf(point.position),
        ...(typeof point.atMs === 'number' ? { atMs: point.atMs } : {}),
      },
    ]),
  )
}

/** Positions are whole numbers, of up to 56 digits at Kinesis. */
function positionOf(given: unknown): string {
  if (typeof given === 'string' && /^-?\d{1,64}$/.test(given)) return given
  throw wrong('a position is a whole number')
}

function jsonIn(text: string | null): object | undefined {
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  throw wrong('this is no list of positions')
}

const wrong = (message: string): MillraceError => new MillraceError('bad_value', message)
