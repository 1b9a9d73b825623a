/** Reads a Containerfile: its instructions by stage, with continued lines joined. */

/** An instruction: `RUN`, and what follows it. */
export interface Instruction {
  readonly word: string
  readonly rest: string
}

/** A stage: what it starts from, and its instructions. */
export interface Stage {
  readonly from: string
  readonly name?: string
  readonly instructions: readonly Instruction[]
}

/** The stages, in order. */
export function stagesOf(text: string): Stage[] {
  const stages: { from: string; name?: string; instructions: Instruction[] }[] = []
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const [, word, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (!word || !rest) continue
    if (word === 'FROM') {
      const [from, , name] = rest.split(' ') as [string, string?, string?]
      stages.push({ from, instructions: [], ...(name ? { name } : {}) })
    } else stages.at(-1)!.instructions.push({ word, rest })
  }
  return stages
}

/** What the last instruction of this kind says. */
export const lastOf = ({ instructions }: Stage, word: string): string | undefined =>
  instructions.findLast((each) => each.word === word)?.rest
