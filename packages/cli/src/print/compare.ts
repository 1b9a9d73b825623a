/** Prints the comparison of two profiles: first what differs, then what is equal. */
import { type Aspect, type Comparison, topics } from '../compare.ts'

const titles: Readonly<Record<Aspect['topic'], string>> = {
  records: 'Records and steps',
  connectors: 'Connectors',
  delivery: 'Delivery',
  ordering: 'Order',
  checkpoints: 'Checkpoints',
  limits: 'Limits',
  options: 'Other options',
  types: 'How fields are stored',
}

/** The comparison as text. */
export function compareText({ pipeline, profiles, aspects }: Comparison): string {
  const [left, right] = profiles
  const width = Math.max(left.length, right.length)
  const lines = [`${pipeline} under ${left} and ${right}`]
  const section = (title: string, wanted: (aspect: Aspect) => boolean, show: (aspect: Aspect) => readonly string[]) => {
    const chosen = aspects.filter(wanted)
    lines.push('', title)
    if (chosen.length === 0) lines.push('  nothing')
    for (const topic of topics) {
      const own = chosen.filter((aspect) => aspect.topic === topic)
      if (own.length > 0) lines.push(`  ${titles[topic]}`, ...own.flatMap(show))
    }
  }
  section(
    'Different:',
    ({ equal }) => !equal,
    ({ of, values }) => [
      `    ${of}`,
      `      ${left.padEnd(width)}  ${values[0]}`,
      `      ${right.padEnd(width)}  ${values[1]}`,
    ],
  )
  section(
    'Equal:',
    ({ equal }) => equal,
    ({ of, values }) => [`    ${of}: ${values[0]}`],
  )
  return `${lines.join('\n')}\n`
}
