/** A plan for people: what is read, done and written, in the order of the flow, and what is promised. */
import { fieldText, type Json, type Plan, type PlanSink, type RecordType } from '@millrace/core'
import { table } from './table.ts'

/** The plan as text. */
export function planText(plan: Plan): string {
  const holds = plan.sinks.filter((sink) => sink.capabilities.holds).map((sink) => sink.id)
  const rows: string[][] = []
  for (const source of plan.sources) {
    rows.push(['read', source.id, source.type, source.side ? 'as a side input' : '', configText(source.config), fieldsText(source.schema)])
  }
  for (const step of plan.steps) {
    const reads = [`from ${step.from.join(', ')}`, step.pushedInto ? `done by ${step.pushedInto} while it reads` : '', step.stateful ? 'keeps state' : '']
    rows.push([
      'do',
      step.id,
      step.type,
      reads.filter(Boolean).join('; '),
      configText(step.config),
      step.output ? fieldsText(step.output) : `to ${Object.keys(step.sides).join(', ')}`,
    ])
  }
  for (const sink of plan.sinks) rows.push(['write', sink.id, sink.type, `from ${sink.from.join(', ')}`, configText(sink.config), sinkText(sink)])
  if (plan.deadLetter)
    rows.push(['write', plan.deadLetter.id, plan.deadLetter.type, 'what cannot pass', configText(plan.deadLetter.config), sinkText(plan.deadLetter)])

  const lines = [`${plan.name} · profile ${plan.profile} · ${plan.runs === 'whole' ? 'runs from beginning to end' : 'goes on where the last run stopped'}`]
  if (plan.description) lines.push(plan.description)
  lines.push('', table([{ title: '' }, { title: 'id' }, { title: 'type' }, { title: 'how' }, { title: 'config' }, { title: 'fields or promise' }], rows, 70))
  lines.push(`Delivery: ${plan.delivery.label}${plan.delivery.required ? ', as the spec demands' : ''}. Weakest: ${plan.delivery.weakest}`)
  lines.push(`Bad records: ${badRecords(plan)}`)
  if (holds.length) lines.push(`Checkpoints wait for the files of ${holds.join(', ')} to be rolled; a restart writes again what came after the last roll.`)
  return `${lines.join('\n')}\n`
}

function badRecords(plan: Plan): string {
  if (plan.onError === 'stop') return 'the first one stops the run.'
  if (plan.onError === 'drop') return 'dropped and counted.'
  const share = plan.deadLetter?.stopAbove
  return `to the dead letter${share === undefined ? '' : `; more than ${+(share * 100).toFixed(3)} % of the last 10,000 stop the run`}.`
}

const sinkText = (sink: PlanSink): string => `${sink.capabilities.label}: ${sink.capabilities.how}`

/** `{ order: integer, customer: string? }` */
export function fieldsText(record: RecordType): string {
  const fields = Object.entries(record.fields).map(([name, field]) => `${name}: ${fieldText(field)}`)
  return `{ ${[...fields, ...(record.open ? ['…'] : [])].join(', ')} }`
}

// Config on one line, as it could stand in the spec; secrets as their reference.
function configText(config: Json): string {
  if (typeof config === 'string') return config
  if (typeof config !== 'object' || config === null) return String(config)
  if (Array.isArray(config)) return `[${config.map(configText).join(', ')}]`
  const map = config as Readonly<Record<string, Json>>
  if (typeof map['$secret'] === 'string') return `\${secret:${map['$secret']}}`
  if (Array.isArray(map['$secrets'])) return map['$secrets'].map(configText).join('')
  return Object.entries(map)
    .map(([key, value]) => `${key}: ${typeof value === 'object' && value !== null && !Array.isArray(value) ? `{ ${configText(value)} }` : configText(value)}`)
    .join(', ')
}
