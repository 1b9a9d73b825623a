/** The console's interface, as the browser uses it. What is sent is described by `packages/cli/src/console`. */

/** A request that was refused or failed. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string | undefined
  constructor(status: number, code: string, message: string, hint?: string) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

const words: Readonly<Record<string, string>> = {
  no_session: 'This browser is not signed in. Open the address that the command printed, with its token.',
  read_only: 'This console is read-only.',
  not_found: 'There is no such thing here.',
  foreign_origin: 'The request came from another page.',
}

/** Asks for a path; a body makes it a POST. Throws `ApiError`. */
export async function api<T>(path: string, body?: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<T> {
  const sent = body && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  let response: Response
  try {
    response = await fetch(path, { ...sent, ...(signal ? { signal } : {}) })
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new ApiError(0, 'disconnected', 'The console does not answer. Is the command still running?')
  }
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  const { code = 'failed', message, hint } = errorIn(text)
  throw new ApiError(response.status, code, message ?? words[code] ?? `The console answered ${response.status}.`, hint)
}

function errorIn(text: string): { readonly code?: string; readonly message?: string; readonly hint?: string } {
  try {
    return (JSON.parse(text) as { error?: { code: string } }).error ?? {}
  } catch {
    return {}
  }
}

/** Exchanges the token in the address for a cookie, and takes it out of the address. */
export async function signIn(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token === null) return
  history.replaceState(undefined, '', location.pathname + location.search)
  await api('/api/session', { token })
}
