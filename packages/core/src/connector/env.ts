/** The environment of every connector and step. */

/** The environment of a connector, passed to every `create`, `query` and `probe`. */
export interface Env {
  /** The project's folder, absolute. */
  readonly root: string
  /** The profile's data folder, `<root>/.millrace/<profile>`, absolute: the embedded store and log live here. */
  readonly home: string
  readonly profile: string
  /** The pipeline's name. */
  readonly pipeline: string
  /** The id of this source, step or sink in its pipeline. */
  readonly id: string
  /** In a case of `pipe test`: the number of its simulated process. Each loads the user's code anew. */
  readonly process?: number
  /** A path option made absolute, relative to the project's folder. */
  resolve(path: string): string
}

/** One of `n` instances that share the splits: `i` is 0 to n - 1. */
export interface Instance {
  readonly i: number
  readonly n: number
}
