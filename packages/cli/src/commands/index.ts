/**
 * The commands of `pipe`, with a loader each, so that help and unknown words load none of them. Two-word commands have
 * the space in their name.
 */
import type { Command } from '../command.ts'

export const commands: Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>> = {
  init: {
    summary: 'Create a project that runs out of the box.',
    load: async () => (await import('./init.ts')).default,
  },
  check: {
    summary: 'Check specs without connecting to anything.',
    load: async () => (await import('./check.ts')).default,
  },
  plan: { summary: 'Show what a run would do and guarantee.', load: async () => (await import('./plan.ts')).default },
  run: { summary: 'Check a spec, then run it.', load: async () => (await import('./run.ts')).default },
  preview: {
    summary: 'Show the first records at each step; write nothing.',
    load: async () => (await import('./preview.ts')).default,
  },
  test: {
    summary: 'Run the tests beside the specs, touching no system.',
    load: async () => (await import('./test.ts')).default,
  },
  query: {
    summary: 'Query a collection of a documents store.',
    load: async () => (await import('./query.ts')).default,
  },
  pages: { summary: 'List the pages of the project.', load: async () => (await import('./pages.ts')).default },
  'pages show': {
    summary: 'Print the answer of a page.',
    load: async () => (await import('./pages-show.ts')).default,
  },
  serve: {
    summary: 'Serve a project: run its pipelines on their schedules.',
    load: async () => (await import('./serve.ts')).default,
  },
  console: {
    summary: 'Look at a project in a browser.',
    load: async () => (await import('./console.ts')).default,
  },
  'runs list': {
    summary: 'List the runs of a served project.',
    load: async () => (await import('./runs-list.ts')).default,
  },
  'runs show': { summary: 'Show one of them.', load: async () => (await import('./runs-show.ts')).default },
  'runs logs': { summary: 'Print its log.', load: async () => (await import('./runs-logs.ts')).default },
  trigger: {
    summary: 'Run a served pipeline now.',
    load: async () => (await import('./trigger.ts')).default,
  },
  watermark: {
    summary: 'Show why windows are still open.',
    load: async () => (await import('./watermark.ts')).default,
  },
  doctor: {
    summary: 'Connect to every system that the specs name.',
    load: async () => (await import('./doctor.ts')).default,
  },
  connectors: {
    summary: 'List the available sources, steps and sinks.',
    load: async () => (await import('./connectors.ts')).default,
  },
  describe: {
    summary: 'Explain a source, step or sink, with its options.',
    load: async () => (await import('./describe.ts')).default,
  },
  'schema print': {
    summary: 'Print the JSON Schema of specs, for editors.',
    load: async () => (await import('./schema-print.ts')).default,
  },
  'schema infer': {
    summary: 'Infer a schema from a data file.',
    load: async () => (await import('./schema-infer.ts')).default,
  },
  'dead-letter list': {
    summary: 'List the records that failed, and why.',
    load: async () => (await import('./dead-letter-list.ts')).default,
  },
  'dead-letter export': {
    summary: 'Export them for editing.',
    load: async () => (await import('./dead-letter-export.ts')).default,
  },
  'dead-letter dismiss': {
    summary: 'Dismiss them.',
    load: async () => (await import('./dead-letter-dismiss.ts')).default,
  },
  'dead-letter replay': {
    summary: 'Run them through the pipeline again.',
    load: async () => (await import('./dead-letter-replay.ts')).default,
  },
  'state show': {
    summary: 'Show the saved state of a pipeline.',
    load: async () => (await import('./state-show.ts')).default,
  },
  'state reset': {
    summary: 'Delete the saved state of a pipeline.',
    load: async () => (await import('./state-reset.ts')).default,
  },
  'state move': {
    summary: 'Move saved state to a new id.',
    load: async () => (await import('./state-move.ts')).default,
  },
  'state rescale': {
    summary: 'Move saved state to another number of instances.',
    load: async () => (await import('./state-rescale.ts')).default,
  },
  'new connector': {
    summary: 'Create the package of a new source or sink.',
    load: async () => (await import('./new-connector.ts')).default,
  },
}
