/**
 * Spans: one for each run of a pipeline's process, and one for each epoch. An epoch is a trace of its own with a link
 * to its run, since the run of a stream lasts for months.
 */
import type { RunEvent } from '@millrace/core'
import { ROOT_CONTEXT, type Span, SpanStatusCode, type Tracer } from '@opentelemetry/api'

/** Makes spans of events. */
export interface RunTraces {
  observe(pipeline: string, event: RunEvent): void
  /** The process of a pipeline has ended. */
  stopped(pipeline: string): void
  /** Ends what has not ended. */
  close(): void
}

/** Traces the runs of pipelines. */
export function traceRuns(tracer: Tracer): RunTraces {
  const running = new Map<string, Span>()
  const begin = (pipeline: string, more: Readonly<Record<string, number | boolean>> = {}): Span => {
    const span = tracer.startSpan('run', { root: true, attributes: { 'millrace.pipeline': pipeline, ...more } })
    running.set(pipeline, span)
    return span
  }
  const end = (pipeline: string, error?: { readonly code: string; readonly message: string }) => {
    const span = running.get(pipeline) ?? (error && begin(pipeline))
    if (error) {
      span?.setAttribute('error.type', error.code)
      span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
    }
    span?.end()
    running.delete(pipeline)
  }
  return {
    observe(pipeline, event) {
      const span = running.get(pipeline)
      switch (event.type) {
        case 'started':
          end(pipeline)
          begin(pipeline, { 'millrace.run': event.incarnation, 'millrace.resumed': event.resumed })
          return
        case 'saved': {
          const nowMs = Date.now()
          const attributes = {
            'millrace.pipeline': pipeline,
            'millrace.epoch': event.epoch,
            'millrace.save.seconds': event.saveMs / 1000,
          }
          const links = span ? [{ context: span.spanContext() }] : []
          const startTime = nowMs - event.durationMs
          tracer.startSpan('epoch', { root: true, startTime, attributes, links }, ROOT_CONTEXT).end(nowMs)
          return
        }
        case 'retry': {
          const { node, doing, reason, message } = event
          span?.addEvent('retry', { 'millrace.node': node, 'millrace.doing': doing, 'error.type': reason, message })
          return
        }
        case 'failed':
          return end(pipeline, event)
        case 'ended':
          return end(pipeline)
        default:
      }
    },
    stopped: (pipeline) => end(pipeline),
    close() {
      for (const pipeline of running.keys()) end(pipeline)
    },
  }
}
