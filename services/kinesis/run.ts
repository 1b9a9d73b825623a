/**
 * Runs kinesis-local in this process: `run.ts FOLDER PORT TLS-PORT`. It reads a file of its own folder, and would
 * listen on every interface.
 */
import { createRequire } from 'node:module'
import { type ListenOptions, Server } from 'node:net'
import { dirname } from 'node:path'

const [, , , port, tlsPort] = process.argv
Object.assign(process.env, {
  KINESIS_MOCK_PLAIN_PORT: port,
  KINESIS_MOCK_TLS_PORT: tlsPort,
  LOG_LEVEL: 'ERROR',
  SHARD_LIMIT: '1000',
  CREATE_STREAM_DURATION: '10ms',
  DELETE_STREAM_DURATION: '10ms',
  SPLIT_SHARD_DURATION: '10ms',
  MERGE_SHARDS_DURATION: '10ms',
  UPDATE_SHARD_COUNT_DURATION: '10ms',
})
// Loopback only, whatever it asks for.
const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const after = args.filter((each) => typeof each === 'function')
  const [first] = args
  const asked: ListenOptions = typeof first === 'object' && first !== null ? first : { port: Number(first) }
  return Reflect.apply(listen, this, [{ ...asked, host: '127.0.0.1' }, ...after]) as Server
} as typeof listen
const require = createRequire(import.meta.url)
const main = require.resolve('kinesis-local/main.js')
process.chdir(dirname(main))
require(main)
