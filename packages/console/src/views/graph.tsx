/** The graph of a pipeline with its numbers, laid out by dagre; the same as a list for those who cannot see it. */
import { graphlib, layout } from '@dagrejs/dagre'
import { useMemo } from 'preact/hooks'
import { count, rate } from '../text.ts'
import { Scroll } from '../ui.tsx'
import type { GraphEdge, GraphNode, LivePipeline, Pipeline } from '../wire/index.ts'

const [width, height] = [190, 62]

interface Placed {
  readonly nodes: readonly (GraphNode & { readonly x: number; readonly y: number })[]
  readonly edges: readonly (GraphEdge & { readonly points: readonly { readonly x: number; readonly y: number }[] })[]
  readonly width: number
  readonly height: number
}

function place({ nodes, edges }: Pipeline['graph']): Placed {
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 26, ranksep: 84, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const node of nodes) graph.setNode(node.id, { width, height })
  for (const [i, { from, to }] of edges.entries()) graph.setEdge(from, to, {}, String(i))
  layout(graph)
  const at = (id: string) => graph.node(id) as { readonly x: number; readonly y: number }
  return {
    nodes: nodes.map((node) => ({ ...node, x: at(node.id).x, y: at(node.id).y })),
    edges: edges.map((edge, i) => ({
      ...edge,
      points: (graph.edge(edge.from, edge.to, String(i)) as { points: { x: number; y: number }[] }).points,
    })),
    width: graph.graph().width ?? 0,
    height: graph.graph().height ?? 0,
  }
}

/** Through the middles of the stretches between the points, with these as handles: no corners. */
function line(points: readonly { readonly x: number; readonly y: number }[]): string {
  const text = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`
  const [first, ...rest] = points
  const last = rest.pop()!
  const curves = rest.map((point, i) => {
    const next = rest[i + 1]
    const to = next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last
    return `Q${text(point.x, point.y)} ${text(to.x, to.y)}`
  })
  return `M${text(first!.x, first!.y)}${curves.length > 0 ? curves.join('') : `L${text(last.x, last.y)}`}`
}

/** Records that took an edge. */
function taken({ from, output, isFailure }: GraphEdge, live: LivePipeline | undefined): number | undefined {
  const node = live?.nodes[from]
  if (!node) return undefined
  return isFailure ? node.failed : output === undefined ? node.out : (node.outputs[output] ?? 0)
}

const verbs = { source: 'read', step: 'in', sink: 'written', dead_letter: 'written' } as const

/** What a node did, in a line. */
function numbers(node: GraphNode, live: LivePipeline | undefined): string {
  const found = live?.nodes[node.id]
  if (!found) return node.pushedInto === undefined ? '' : `part of ${node.pushedInto}`
  const main = node.kind === 'sink' || node.kind === 'dead_letter' ? found.out : found.in
  const more = [
    found.failed > 0 ? `${count(found.failed)} failed` : '',
    found.filtered > 0 ? `${count(found.filtered)} ${node.kind === 'sink' ? 'superseded' : 'filtered'}` : '',
    found.held > 0 ? `${count(found.held)} held` : '',
  ].filter(Boolean)
  return [`${count(main)} ${verbs[node.kind]}`, ...more].join(' · ')
}

export function Graph(props: {
  readonly graph: Pipeline['graph']
  readonly live: LivePipeline | undefined
  readonly rates: Readonly<Record<string, number>>
}) {
  const { graph, live, rates } = props
  const placed = useMemo(() => place(graph), [graph])
  const troubled = new Set(live?.troubles.map(({ node }) => node))
  return (
    <>
      <div class="scroll graph" aria-hidden="true">
        <svg viewBox={`0 0 ${placed.width} ${placed.height}`} width={placed.width} height={placed.height}>
          {placed.edges.map((edge, i) => {
            const middle = edge.points[Math.floor(edge.points.length / 2)]!
            const n = taken(edge, live)
            if (edge.isFailure && !n) return null
            return (
              <g key={i} class={edge.isFailure ? 'edge failure' : 'edge'}>
                <marker
                  id={`tip${i}`}
                  viewBox="0 0 8 8"
                  refX="7"
                  refY="4"
                  markerWidth="7"
                  markerHeight="7"
                  orient="auto"
                >
                  <path d="M0 0.5L8 4L0 7.5Z" />
                </marker>
                <path d={line(edge.points)} marker-end={`url(#tip${i})`} />
                {n === undefined ? null : (
                  <text x={middle.x} y={middle.y - 7}>
                    {count(n)}
                  </text>
                )}
                {edge.output === undefined ? null : (
                  <text class="output" x={middle.x} y={middle.y + 14}>
                    {edge.output}
                  </text>
                )}
              </g>
            )
          })}
          {placed.nodes.map((node) => (
            <g
              key={node.id}
              class={`node ${node.kind} ${troubled.has(node.id) ? 'troubled' : ''} ${node.pushedInto ? 'pushed' : ''}`}
              transform={`translate(${node.x - width / 2} ${node.y - height / 2})`}
            >
              <rect width={width} height={height} rx="9" />
              <text x="12" y="21" class="name">
                {shortened(node.id, 24)}
              </text>
              <text x={width - 12} y="21" class="rate">
                {rate(rates[node.id])}
              </text>
              <text x="12" y="37" class="type">
                {shortened(node.type, 28)}
              </text>
              <text x="12" y="53" class="numbers">
                {shortened(numbers(node, live), 32)}
              </text>
            </g>
          ))}
        </svg>
      </div>
      <details>
        <summary>The same as a list</summary>
        <Scroll name="Nodes">
          <table>
            <thead>
              <tr>
                <th>Node</th>
                <th>Type</th>
                <th>From</th>
                <th>Records</th>
                <th class="number">Now</th>
                <th>Record type</th>
              </tr>
            </thead>
            <tbody>
              {graph.nodes.map((node) => (
                <tr key={node.id}>
                  <td>{node.id}</td>
                  <td>{node.type}</td>
                  <td>
                    {graph.edges
                      .filter(({ to, isFailure }) => to === node.id && !isFailure)
                      .map(({ from, output }) => (output === undefined ? from : `${from}.${output}`))
                      .join(', ')}
                  </td>
                  <td>{numbers(node, live)}</td>
                  <td class="number">{rate(rates[node.id])}</td>
                  <td>
                    <code>{node.record}</code>
                    {node.promise === undefined ? null : <div class="quiet">{node.promise}</div>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </>
  )
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
