/**
 * OpenTelemetry, if the SDK's environment variables ask for it. Its package is installed beside the command, or in the
 * project; that it is missing stops no pipeline.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Telemetry, TelemetryOptions } from '@millrace/telemetry'
import { hide, howToInstall, type RunEvent } from '@millrace/core'
import { version } from '../version.ts'
import { durationsIn, type Samples } from './meter.ts'
import { buckets, metrics } from './table.ts'

/** Starts the SDK; undefined: its package is missing, which is a warning. `root`: the project's folder. */
export async function openTelemetry(
  root: string,
  samples: () => Samples,
  warn: (message: string) => void,
): Promise<Telemetry | undefined> {
  const load = (await loadFrom(root)) as { startTelemetry(options: TelemetryOptions): Telemetry } | undefined
  if (!load) {
    warn(`OTEL_ variables are set, but @millrace/telemetry is missing: ${howToInstall('@millrace/telemetry')}`)
    return undefined
  }
  return load.startTelemetry({
    metrics,
    buckets,
    version,
    values: () => samples() as ReadonlyMap<string, readonly { labels: Record<string, string>; value: number }[]>,
    durations: (event: RunEvent) => durationsIn(event),
    warn: (message) => warn(hide(message)),
  })
}

async function loadFrom(root: string): Promise<unknown> {
  try {
    return await import('@millrace/telemetry')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
  try {
    const path = createRequire(join(root, 'package.json')).resolve('@millrace/telemetry')
    return await import(pathToFileURL(path).href)
  } catch {
    return undefined
  }
}
