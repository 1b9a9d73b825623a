/** The catalogue entry of a code. */
export interface CatalogueEntry {
  /** One short phrase. */
  readonly title: string
  /** What it means and why it is an error, in a sentence or two. */
  readonly explanation: string
  /** What to do. */
  readonly hint?: string
  /** A warning does not keep a spec from running. */
  readonly severity?: 'warning'
}
