/** What a user reads when a service of AWS does not answer as it should. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import { SystemError } from '@millrace/core'
import { afterEach, describe, expect, it } from 'vitest'
import { awsError, awsProblems, awsSettings, isThrottled } from '../src/index.ts'

const credentials = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'a-very-secret-key' }
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

/** A service that answers each request with this status and error; `undefined`: not at all. */
async function serviceThat(answers: { status: number; type: string; message?: string } | undefined): Promise<string> {
  server = createServer((_, response) => {
    if (!answers) return
    response.writeHead(answers.status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify({ __type: answers.type, message: answers.message ?? '' }))
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function errorOf(endpoint: string, answerMs?: number): Promise<unknown> {
  const o = { region: 'us-east-1', endpoint, credentials }
  const client = new KinesisClient(awsSettings(o, { pipeline: 'p' }, answerMs))
  const error = await client.send(new ListShardsCommand({ StreamName: 'orders' })).then(
    () => undefined,
    (failure: unknown) => failure,
  )
  client.destroy()
  return awsError(error, 'reading the stream orders', o)
}

describe('an error of a service', () => {
  it.each([
    [400, 'UnrecognizedClientException', 'unauthorized', false],
    [400, 'ExpiredTokenException', 'unauthorized', false],
    [400, 'AccessDeniedException', 'unauthorized', false],
    [403, 'Whatever', 'unauthorized', false],
    [400, 'com.amazonaws#ResourceNotFoundException', 'resource_missing', false],
    [400, 'ProvisionedThroughputExceededException', 'throttled', true],
    [400, 'ThrottlingException', 'throttled', true],
    [400, 'LimitExceededException', 'throttled', true],
    [500, 'InternalFailure', 'unavailable', true],
    [503, 'ServiceUnavailable', 'unavailable', true],
  ])('%i %s is %s', async (status, type, code, retry) => {
    const error = (await errorOf(await serviceThat({ status, type, message: 'for a-very-secret-key' }))) as SystemError
    expect(error).toBeInstanceOf(SystemError)
    expect({ code: error.code, retry: error.retry }).toEqual({ code, retry })
    expect(error.message).toContain('reading the stream orders')
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('a-very-secret-key')
    expect(error.hint).not.toBe(undefined)
  })

  it('about what is in the request is the caller’s to explain', async () => {
    expect(await errorOf(await serviceThat({ status: 400, type: 'ValidationException' }))).toBe(undefined)
  })

  it('is told when nothing answers, or nobody is there', async () => {
    const silent = await errorOf(await serviceThat(undefined), 300)
    expect(silent).toMatchObject({ code: 'no_answer', retry: true })
    expect(await errorOf('http://127.0.0.1:1')).toMatchObject({ code: 'unavailable', retry: true })
    expect(await errorOf('http://nothing.invalid')).toMatchObject({ code: 'unknown_host', retry: true })
  })

  it('is told when there are no credentials', () => {
    const error = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' })
    expect(awsError(error, 'writing', { region: 'us-east-1' })).toMatchObject({ code: 'unauthorized', retry: false })
  })

  it('says whether to slow down', () => {
    expect(isThrottled(Object.assign(new Error(), { name: 'SlowDown' }))).toBe(true)
    expect(isThrottled(new Error('SlowDown'))).toBe(false)
    expect(isThrottled(undefined)).toBe(false)
  })
})

describe('the options', () => {
  it('name a region and an address', () => {
    const at = (o: Parameters<typeof awsProblems>[0]) => awsProblems(o).flatMap((problem) => problem.at)
    expect(at({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:4567' })).toEqual([])
    expect(at({ region: 'EU west' })).toEqual(['region'])
    for (const endpoint of ['127.0.0.1:4567', 'ftp://a', 'http://user:word@host'])
      expect(at({ region: 'auto', endpoint })).toEqual(['endpoint'])
  })
})
