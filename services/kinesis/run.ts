/**
 * Runs kinesis-local in this process: `run.ts FOLDER PORT TLS-PORT`. It reads a file of its own folder, and would
 * listen on every interface. For each entry of PutRecords it hashes all records of the shard, to find the shard in a
 * map: at 24,000 records an entry takes 3.5 ms. The hash of a long sequence is therefore its length, which equal ones
 * share; nothing else is changed.
 */
import { readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
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
const sequenceHash = '$is_sc_IndexedSeq(xs) ? '
const source = readFileSync(main, 'utf8').split(sequenceHash)
if (source.length !== 2) throw new Error('kinesis-local is not the release whose hash of sequences is known')
const program = new Module(main) as Module & { _compile(source: string, path: string): unknown }
program._compile(source.join(`${sequenceHash}xs.y() > 64 ? xs.y() : `), main)
