/** Something that changes the project: it is asked for twice, shown while it is on its way, and its failure is said. */
import { useState } from 'preact/hooks'
import type { ApiError } from './api.ts'
import { Problem } from './ui.tsx'

export function Confirmed(props: {
  /** On the button that asks. */
  readonly label: string
  /** What will happen, and the button that has it done. */
  readonly question?: string | undefined
  readonly yes: string
  readonly act: () => Promise<void>
}) {
  const { label, question, yes, act } = props
  const [phase, setPhase] = useState<'idle' | 'asked' | 'sent'>('idle')
  const [error, setError] = useState<ApiError>()
  const send = async () => {
    setPhase('sent')
    setError(undefined)
    try {
      await act()
    } catch (failed) {
      setError(failed as ApiError)
    }
    setPhase('idle')
  }
  if (phase === 'asked')
    return (
      <span class="buttons">
        {question === undefined ? null : <span>{question}</span>}
        <button type="button" class="main" onClick={() => void send()}>
          {yes}
        </button>
        <button type="button" onClick={() => setPhase('idle')}>
          No
        </button>
      </span>
    )
  return (
    <span class="buttons">
      <Problem error={error} />
      <button type="button" disabled={phase === 'sent'} onClick={() => setPhase('asked')}>
        {phase === 'sent' ? 'Asked…' : label}
      </button>
    </span>
  )
}
