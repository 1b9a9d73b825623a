/** The streams that pipelines read or write, and how each is looked at. */
import type { StreamLine } from '@millrace/console/wire'
import {
  envOf,
  type Look,
  MillraceError,
  type Plan,
  type PlanSink,
  type PlanSource,
  resolveConfig,
} from '@millrace/core'
import { loadConnectors } from '../../builtins.ts'
import type { Accepted } from '../../serve/specs.ts'
import type { Opened } from '../../spec.ts'

interface FoundStream {
  readonly line: StreamLine
  readonly accepted: Accepted
  readonly node: PlanSource | PlanSink
}

interface Named {
  readonly stream?: unknown
}

/** All streams, each once, by place and name. */
export function findStreams(accepted: readonly Accepted[]): readonly FoundStream[] {
  const found = new Map<
    string,
    FoundStream & { readonly line: StreamLine & { readBy: string[]; writtenBy: string[] } }
  >()
  for (const each of accepted)
    for (const { node, isSource } of nodesOf(each.plan)) {
      const { serves } = isSource ? each.registry.source(node.type)! : each.registry.sink(node.type)!
      const { stream } = node.config as Named
      if (!serves?.includes('stream') || typeof stream !== 'string') continue
      const place = node.connection ?? `${each.name}.${node.id}`
      const key = JSON.stringify([place, stream])
      const known = found.get(key) ?? {
        line: { place, stream, type: node.type, readBy: [], writtenBy: [] },
        accepted: each,
        node,
      }
      const users = isSource ? known.line.readBy : known.line.writtenBy
      if (!users.includes(each.name)) users.push(each.name)
      found.set(key, known)
    }
  return [...found.values()].toSorted(
    ({ line: a }, { line: b }) => a.place.localeCompare(b.place) || a.stream.localeCompare(b.stream),
  )
}

const nodesOf = (plan: Plan) => [
  ...plan.sources.map((node) => ({ node, isSource: true })),
  ...[...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])].map((node) => ({ node, isSource: false })),
]

/** Looks at a stream, as the source of its type does. Throws `not_looked_at`. */
export async function lookAt({ line, node }: FoundStream, { plan, workspace }: Opened): Promise<Look> {
  const registry = await loadConnectors(workspace.root, [{ kind: 'source', type: line.type }])
  const look = registry.source(line.type)?.look
  if (!look)
    throw new MillraceError('not_looked_at', `streams of type ${line.type} cannot be looked at`, {
      hint: `install the source of type ${line.type}`,
    })
  return look(resolveConfig(node.config, workspace.secrets), envOf(plan, workspace, node.id))
}
