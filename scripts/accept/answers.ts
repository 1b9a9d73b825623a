/** What a flow's gateway answers to single requests: it is started alone, sent the requests, and stopped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { flows } from '../flow/flows.ts'
import { copyProject } from '../flow/run.ts'
import { pipeFromSource } from '../pipe.ts'
import type { Place } from './stores.ts'

export interface Answered {
  readonly status: number
  readonly body: unknown
}

/** Posts each body as JSON to its path, one after the other. */
export async function answersOf(
  place: Place,
  flow: string,
  requests: readonly (readonly [path: string, body: unknown])[],
): Promise<Answered[]> {
  copyProject(flows[flow]!, place.folder)
  const address = `127.0.0.1:${await freePort()}`
  const words = ['run', 'gateway.yaml', '--profile', place.profile, '--set', `address=${address}`, '--json']
  const gateway = spawn(process.execPath, [...pipeFromSource, ...words], {
    cwd: place.folder,
    env: { ...process.env, ...place.env },
    stdio: 'ignore',
  })
  try {
    await listening(address)
    const answers: Answered[] = []
    for (const [path, body] of requests) {
      const response = await fetch(`http://${address}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      answers.push({ status: response.status, body: await response.json() })
    }
    return answers
  } finally {
    gateway.kill('SIGTERM')
    if (gateway.exitCode === null) await once(gateway, 'exit')
  }
}

async function listening(address: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const isUp = await fetch(`http://${address}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (isUp) return
    await sleep(100)
  }
  throw new Error(`the gateway does not answer at ${address}`)
}
