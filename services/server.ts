/** What a server is to `main.ts`. */

/** Where a server lives: all of it below `.services/`, which git ignores. */
export interface Place {
  /** What was downloaded; kept. */
  readonly cache: string
  /** Data, log and pid of the running server; discarded by `down`. */
  readonly run: string
  /** The first of this server's ports. */
  readonly port: number
}

export interface Server {
  readonly name: string
  /** How many ports it needs, from `Place.port` on. */
  readonly ports: number
  /** Downloads what is missing, checked by its sha256. Says what to install where a tool is missing. */
  get(place: Place): Promise<void>
  /** What to do once, before the first start. */
  prepare?(place: Place): Promise<void>
  /** The program and its arguments; one of them contains `place.run`, which identifies the process later. */
  command(place: Place): readonly string[]
  /** Throws while it does not answer. An open port is not enough. */
  healthy(place: Place): Promise<void>
  /** The environment of the live suites. */
  env(place: Place): Readonly<Record<string, string>>
}
