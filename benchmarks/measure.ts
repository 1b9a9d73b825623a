/**
 * Runs a program and reports what it cost. CPU is that of the whole process, including start, teardown and every thread
 * and child, as the kernel charges it to the shell that waited for it (`times`). Peak memory is what the program itself
 * reads from the kernel on exit. Works without /usr/bin/time.
 */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'

/** A Node program with its arguments. */
export interface Program {
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Cost {
  /** User and system seconds. */
  readonly cpu: number
  readonly wall: number
  readonly peakBytes: number
}

/** Runs to the end. Rejects with the program's output when it fails. */
export async function measure(program: Program): Promise<Cost & { readonly output: string }> {
  const started = performance.now()
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      '"$@"; code=$?; times >&4; exit $code',
      'sh',
      process.execPath,
      '--require',
      join(import.meta.dirname, 'peak.cjs'),
      ...program.args,
    ],
    {
      cwd: program.cwd,
      env: { ...process.env, ...program.env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    },
  )
  const streams = child.stdio as unknown as readonly Readable[]
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const [out, errors, peak, times] = await Promise.all([
    text(streams[1]!),
    text(streams[2]!),
    text(streams[3]!),
    text(streams[4]!),
  ])
  const code = await ended
  if (code !== 0)
    throw new Error(`node ${program.args.join(' ')} ended with ${code}:\n${out.slice(-2000)}${errors.slice(-4000)}`)
  // `times` prints the shell's own seconds, then those of its children: "0m1.230000s 0m0.140000s".
  const children = times.trim().split('\n')[1]!.trim().split(/\s+/)
  const cpu = children
    .map((part) => /^(\d+)m([\d.]+)s$/.exec(part)!)
    .reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
  return {
    cpu,
    wall: (performance.now() - started) / 1000,
    peakBytes: Number(peak.trim().split('\n').at(-1)) * 1024,
    output: out,
  }
}

/** Milliseconds from start to end, without anything else that could slow it down. */
export function wallMs(program: Program): number {
  const started = performance.now()
  const { status, stderr, stdout } = spawnSync(process.execPath, program.args, {
    cwd: program.cwd,
    env: { ...process.env, ...program.env },
  })
  const took = performance.now() - started
  if (status !== 0) throw new Error(`node ${program.args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return took
}

/** The middle one of an odd number of values. */
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
