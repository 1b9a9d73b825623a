/**
 * Errors that stop a run or a command: exit code 1 for the run, 2 for the spec or the command line, 3 for the
 * environment.
 *
 * One file: a catalogue is looked up, not read.
 */
import type { CatalogueEntry } from './entry.ts'

/** The command, and how it ends. */
export const commandErrors = {
  usage: { title: 'command not understood', explanation: 'A flag or argument is missing or unknown.' },
  internal: {
    title: 'a bug in Millrace',
    explanation: 'The command failed unexpectedly.',
    hint: 'please report it',
  },
  unexpected: {
    title: 'a bug in a connector',
    explanation: 'A connector or step threw an error that its contract does not allow.',
    hint: 'please report it with the stack trace',
  },
  unhandled: {
    title: 'an unhandled error',
    explanation:
      'A connector, or a function of a `call` step, left a promise or callback behind that failed. The process ends as in a crash: nothing is lost.',
    hint: 'await every promise in the function or connector, then run again',
  },
  stopped: {
    title: 'not started',
    explanation: 'Another pipeline of the same command failed first.',
    hint: 'fix the pipeline that failed, then run again',
  },
  abandoned: {
    title: 'a connector did not stop',
    explanation:
      'A connector kept running for more than two seconds after the run was aborted; its contract allows one. It was abandoned.',
    hint: 'nothing is lost: run again and it resumes from the last save',
  },
  aborted: {
    title: 'stopped while waiting for a system',
    explanation:
      'The run was stopped. Calls in progress have an unknown outcome; their records are written again at the next start.',
    hint: 'run again: it resumes from the last save',
  },
  drain_timeout: {
    title: 'stopped before everything was written',
    explanation:
      'Records could not be written within the time allowed for stopping; they are read again at the next start.',
    hint: 'run again; a longer `--drain-timeout` lets a slow sink finish',
  },
  circle: {
    title: 'pipelines feed each other',
    explanation: "Pipelines of one command read each other's output in a circle, so none would ever end.",
    hint: 'stop one of the pipelines from writing to what another of them reads, or run them in separate commands',
  },
  reads_unfinished: {
    title: 'reads what is never finished',
    explanation:
      'A pipeline of the command reads to the end of what another one writes, and that one never ends. It would read what happens to be there.',
    hint: 'with `--until caught_up` it starts when the other one has caught up; or run them one after the other',
  },
  not_served: {
    title: 'nobody serves the project',
    explanation:
      'The command asks a running `pipe serve` for something, and none is running for this project and profile.',
    hint: 'start it: pipe serve. It has to use the same --profile and --state-dir',
  },
  starting: {
    title: 'not ready yet',
    explanation:
      'The pipeline opens its sinks or waits for its process, and has not begun to read; `/health/ready` says so.',
    hint: 'wait; if it lasts, its log says what it waits for: pipe runs logs PIPELINE',
  },
  answers_late: {
    title: 'requests wait for their answers',
    explanation:
      'A request to a gateway has waited for three seconds, or for `answer_timeout` if that is shorter: its sinks take nothing, and do not fail either.',
    hint: 'look at the sinks of the pipeline; the gateway is not ready until the request is answered',
  },
  cancelled: {
    title: 'somebody ended the pipeline',
    explanation:
      'A pipeline that stays up was ended in the console. It is held, and counts as down, until it is run again.',
    hint: 'run it again in the console, or with `pipe trigger PIPELINE`',
  },
  serve_killed: {
    title: 'ended with its `serve`',
    explanation:
      'The process of `pipe serve` was killed while this pipeline was up. Nothing is lost: the next one resumes it.',
    hint: 'start `pipe serve` again',
  },
  killed: {
    title: 'a process was killed',
    explanation:
      'The process of a pipeline ended without a result: it crashed, ran out of memory, or was killed. It is started again and resumes from its last save.',
    hint: '`pipe runs logs RUN` shows what it did before',
  },
  spec_refused: {
    title: 'a spec is not in effect',
    explanation:
      'A spec of a served project has errors, or its state cannot go on with the edit. The spec as it was goes on, if there was one.',
    hint: '`pipe check` shows the errors, `pipe plan` what an edit does to the state',
  },
  unbalanced: {
    title: 'the counts do not add up',
    explanation: 'A run of a served pipeline has ended, and what went into a step or sink is not what came out of it.',
    hint: 'this is a bug in Millrace or in a connector: please report it',
  },
  run_failed: {
    title: 'a run has failed',
    explanation: 'A run of a served pipeline has failed for the last time; `reason` and `message` say why.',
    hint: '`pipe runs logs RUN` shows all of it; `pipe trigger PIPELINE` runs it again',
  },
  no_upstream: {
    title: 'no sender',
    explanation:
      'A pipeline waits for requests and no other pipeline of the command sends any, so the run would never end.',
    hint: 'add the pipeline that posts to it to the command, or run without `--until`',
  },
} as const satisfies Record<string, CatalogueEntry>

/** State, and resuming from it. */
export const stateErrors = {
  locked: {
    title: 'state in use',
    explanation: 'Another process runs this pipeline on the same state folder.',
    hint: 'stop it, or wait for it to end',
  },
  side_changed: {
    title: 'a side input has changed',
    explanation:
      'A resumed run must find the same side input, or records before and after the stop would be joined with different rows.',
    hint: 'restore it and run again, or start over: pipe state reset PIPELINE',
  },
  worker_ended: {
    title: 'a worker ended without a result',
    explanation: 'A thread of a pipeline with `parallelism` ended without reporting a result.',
    hint: 'run again: it resumes from the last save',
  },
  spec_changed: {
    title: 'the spec changed during the start',
    explanation: 'A worker read a spec that differs from the one that was checked.',
    hint: 'run it again',
  },
  other_scale: {
    title: 'state of a different number of instances',
    explanation:
      'The state was saved by a different number of instances. Started like this, the pipeline would read some splits twice or skip some.',
    hint: 'pipe state rescale PIPELINE --to N',
  },
  not_shared: {
    title: 'cannot run as several instances',
    explanation:
      'Instances share the splits of a stream. A source without splits would be read by every instance, and all records of a key must reach the same step memory.',
    hint: 'run it as a single instance',
  },
  rescale_refused: {
    title: 'state cannot be divided',
    explanation:
      'Only split positions can move to a different number of instances, not the memory of steps, half-written files or unpublished results.',
    hint: 'let the pipeline run to a quiet point and stop it, or keep the number of instances',
  },
  state_gone: {
    title: 'state is gone',
    explanation:
      'The state folder was removed, replaced or restored while the run used it. The run stopped before publishing or answering anything that is not in the state.',
    hint: 'restore it, or reset the state, and run again',
  },
  state_corrupt: {
    title: 'state is damaged',
    explanation: 'A file of the state folder cannot be read. It was left unchanged.',
    hint: 'restore the whole folder from a copy, or set it aside and start over: pipe state reset PIPELINE',
  },
  state_foreign: {
    title: 'state of another version',
    explanation:
      'A file of the state folder was made by another version of Millrace or by another program. It was left unchanged.',
    hint: 'use the version that made it, or set it aside and start over: pipe state reset PIPELINE',
  },
  order_lost: {
    title: 'input differs after a restart',
    explanation:
      'The output depends on the order in which lanes were read, and a lane no longer returns the records that were read before the restart.',
    hint: 'restore the input, or start over: pipe state reset PIPELINE',
  },
  other_spec_running: {
    title: 'a different spec is running',
    explanation: 'Dead letters are replayed by the process that runs the pipeline, and it runs a different spec.',
    hint: 'restart it with this spec',
  },
  state_unwritable: {
    title: 'state cannot be written',
    explanation: 'The folder .millrace cannot be written.',
    hint: 'give the user of the process write permission, or put the state elsewhere: --state-dir',
  },
  state_changed: {
    title: 'state of a different spec',
    explanation:
      'The state was saved with a different spec. Continuing with this one would lose records or mix two rules in one result.',
    hint: '`pipe plan` shows what the edit keeps and discards, and how to proceed',
  },
  no_state: {
    title: 'never run',
    explanation: 'The pipeline has not run yet, so there is nothing to show or replay.',
    hint: 'run the pipeline first',
  },
  stage_left: {
    title: 'result of a removed sink',
    explanation: 'A finished result is not published yet, but its sink is no longer in the spec.',
    hint: 'run once with the sink in the spec, or after a rename: pipe state move PIPELINE OLD NEW',
  },
  stage_missing: {
    title: 'finished file is gone',
    explanation: 'A file that was written but not published yet was removed.',
    hint: 'restore the file; or discard the result: pipe state reset PIPELINE',
  },
  state_older: {
    title: 'state is older than the output',
    explanation:
      'A sink has published more than the saved state records, so an older state was restored. Resuming from it would lose records or publish them twice.',
    hint: 'restore the latest state, or start over: pipe state reset PIPELINE, then run with --replace or --keep',
  },
  stage_gone: {
    title: 'staged rows are gone',
    explanation: 'Rows staged in the store are gone: the store was changed by something else.',
    hint: 'restore the database; or discard the result: pipe state reset PIPELINE',
  },
  source_replaced: {
    title: 'source was recreated',
    explanation: 'A stream, topic or log was deleted and recreated, so saved positions are meaningless.',
    hint: 'if this was intended: pipe state reset PIPELINE',
  },
  offset_out_of_range: {
    title: 'position is gone',
    explanation: 'Records after the saved position have been deleted by retention.',
    hint: 'accept the gap and start over: pipe state reset PIPELINE; and give the topic a longer retention',
  },
  input_changed: {
    title: 'input has changed',
    explanation:
      'An input file was replaced, rewritten or truncated between two runs, or while it was read. Appending to a file is fine.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Files that are read. */
export const inputErrors = {
  input_missing: { title: 'input not found', explanation: 'There is no file at the path of a source.' },
  input_unreadable: {
    title: 'input cannot be read',
    explanation: 'A file exists but cannot be opened or read.',
    hint: 'give the user of the process permission to read it',
  },
  same_input: {
    title: 'two files that look alike',
    explanation:
      'Two files outside the project have the same name and the same beginning, so their records would get the same ids.',
    hint: 'move the files into the project, or give them different names',
  },
  unknown_format: {
    title: 'unknown format',
    explanation: 'The file name does not show the format.',
    hint: 'set `format`',
  },
  broken_file: { title: 'file is broken', explanation: 'The file is not in its declared format, or is truncated.' },
  broken_compression: {
    title: 'compressed data is broken',
    explanation: 'The compressed file is damaged or truncated.',
  },
  too_expanded: {
    title: 'too large when decompressed',
    explanation: 'A columnar file has pages or buffers that would take more memory than `max_expanded`.',
    hint: 'if the file is sound, raise `max_expanded` of its format, or write it with smaller pages',
  },
  unsupported_encoding: {
    title: 'encoding of a column cannot be read',
    explanation: 'A column of the file has an encoding that cannot be read without risk of a wrong value.',
    hint: 'write the file with another encoding, or remove the field from the schema',
  },
  no_random_access: {
    title: 'file can only be read in order',
    explanation: 'The format needs random access, but the input is compressed or a stream.',
    hint: 'decompress it first',
  },
  fake_failed: {
    title: 'Faker refuses an argument',
    explanation: 'A method of Faker fails, or makes a value of another type, with the argument that `with` gives it.',
    hint: 'see https://fakerjs.dev/api for the arguments of the method',
  },
  after_read_failed: {
    title: 'file could not be moved after reading',
    explanation: 'A file was read and saved, but could not be moved or deleted as `after_read` says.',
    hint: 'allow the user of the process to change the folder and run again: nothing is read twice',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Files and tables that are written. */
export const outputErrors = {
  output_exists: {
    title: 'results of an earlier run',
    explanation: 'An earlier run left results where this one would write.',
    hint: '--replace, --keep, or `existing` of the sink',
  },
  existing_results: {
    title: 'rows of an earlier run',
    explanation: 'A table has rows of an earlier run of this pipeline.',
    hint: '--replace, --keep, or `existing` of the sink',
  },
  output_taken: {
    title: 'output path is taken',
    explanation: 'The output path holds something that this pipeline did not write.',
    hint: 'move it away, or choose another path',
  },
  output_closed: {
    title: 'output was closed',
    explanation: 'The program that read the output has ended.',
    hint: 'nothing if the reader had enough; otherwise find out why it ended',
  },
  path_outside: {
    title: 'path leads elsewhere',
    explanation: 'A symbolic link leads outside the folder of the sink.',
    hint: 'remove the link, or set the path of the sink to the folder that it leads to',
  },
  path_taken: {
    title: 'path is taken',
    explanation: 'Something already exists at the path.',
    hint: 'choose another name, or move away what is there',
  },
  no_permission: {
    title: 'no permission',
    explanation: 'The user of this process may not write there.',
    hint: 'give the user of the process write permission for the folder, and run again',
  },
  too_many_files: {
    title: 'too many files at once',
    explanation: 'Records go to more files than may be open at the same time.',
    hint: 'raise `max_open_files`, or choose a field with fewer values for the path',
  },
  disk_full: {
    title: 'disk full',
    explanation: 'The disk has no room left. The state is unharmed; a restart resumes.',
    hint: 'free some space and run again',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Stores, logs and servers. */
export const systemErrors = {
  not_found: { title: 'store not found', explanation: 'There is no store at the path.' },
  query_too_large: {
    title: 'query too large',
    explanation:
      'What the store cannot answer itself is answered in memory, within a bound of rows that are read and bytes that are kept.',
    hint: 'narrow the query, or compute its answer in a pipeline',
  },
  query_failed: {
    title: 'query failed on a row',
    explanation: 'An expression of the query has no value for a row that it was evaluated for.',
    hint: 'exclude such rows with a condition in `where`',
  },
  query_reads_all: {
    title: 'query of a whole table',
    explanation: 'The store bills every read, and the query gives neither the key nor the first field of an index.',
    hint: 'add a condition on the key, or allow it with `scan`',
  },
  unknown_page: {
    title: 'no such page',
    explanation: 'The project has no page of this name, or the page has an error.',
    hint: '`pipe pages` lists the pages',
  },
  unknown_collection: {
    title: 'no such collection',
    explanation: 'The store has no collection or table of this name.',
  },
  not_a_table: {
    title: 'a view',
    explanation: 'A view has no key to resume by.',
    hint: 'read the table behind the view',
  },
  table_differs: {
    title: 'table has different columns',
    explanation: 'The existing table cannot hold these records, or does not match the schema.',
  },
  name_taken: {
    title: 'name is taken',
    explanation: 'The store has something else under this name.',
    hint: 'choose another name, or drop the existing object',
  },
  store_busy: {
    title: 'store is locked',
    explanation: 'Another process held the lock of the store for too long.',
    hint: 'end the process that holds it, such as a shell with an open transaction or a backup',
  },
  store_failed: {
    title: 'store failed',
    explanation: 'SQLite reports an internal failure, such as lack of memory.',
    hint: 'read the message, fix what SQLite reports, and run again',
  },
  load_failed: {
    title: 'load failed',
    explanation:
      'A warehouse, or the job that loads into it, refuses what was staged. Nothing of that load is in the table; a job may have loaded a part.',
    hint: 'read the message: it has the file, line and column; correct the table or the job, and run again',
  },
  log_busy: {
    title: 'log is locked',
    explanation: 'Another process held the lock of the embedded log for too long.',
    hint: 'end the process that holds it, such as a shell with an open transaction or a backup',
  },
  log_unwritable: {
    title: 'log cannot be written',
    explanation: 'The disk is full, or the user of this process may not write there.',
    hint: 'free disk space or fix permissions, then run again',
  },
  log_unreadable: {
    title: 'log cannot be read',
    explanation: 'The embedded log is damaged or of another version.',
    hint: 'restore the log from a copy, or use the version that wrote it',
  },
  bad_secret: {
    title: 'unusable secret',
    explanation: 'The secret with which requests are to be signed is empty, or not in the form of its scheme.',
    hint: 'set the secret that the sender signs with',
  },
  cannot_listen: {
    title: 'cannot listen',
    explanation: 'The address is in use, or may not be used by this process.',
    hint: 'stop the process that uses the address, or choose another one',
  },
  console_not_built: {
    title: 'console without its files',
    explanation: 'The files that browsers load are not where the command looks for them.',
    hint: 'in a checkout, run `npm run build`; else install `@millrace/console` again',
  },
  not_looked_at: {
    title: 'stream cannot be looked at',
    explanation: 'The connector of this stream has no source that shows single messages to people.',
    hint: 'install the source of the same type as the sink, in a version that can',
  },
  no_session: {
    title: 'not signed in',
    explanation: 'A request to the console comes from a browser that has not opened its address with the token.',
    hint: 'open the address that the command printed; each start has another token',
  },
  wrong_host: {
    title: 'not an address of the console',
    explanation:
      'A request names a host that the console does not listen on, as when a foreign name points to this machine.',
    hint: 'use the address that the command printed; a proxy must pass on this host',
  },
  foreign_origin: {
    title: 'request of another page',
    explanation: 'A page that is not of the console tried to change something.',
    hint: 'use the console itself; a proxy must pass on the origin as the console sees it',
  },
  read_only: {
    title: 'console is read-only',
    explanation: 'The console was started with `--read-only` and changes nothing.',
    hint: 'start it without `--read-only`, or use the command',
  },
  route_taken: {
    title: 'two sources on one route',
    explanation: 'Two sources listen for the same method and path.',
    hint: 'give each source a method and path of its own',
  },
  http_unreachable: {
    title: 'server not reached',
    explanation: 'A server cannot be reached, or closes the connection before it answers.',
    hint: 'check `url` and whether the server runs; `retry` sets how long it is retried',
  },
  connection_lost: {
    title: 'connection closed',
    explanation: 'A server, or what stands in front of it, closed the connection before its answer was complete.',
    hint: 'look into the log of the server; `retry` sets how long it is retried',
  },
  not_http: {
    title: 'server does not speak HTTP',
    explanation: 'What a server sends back is not HTTP.',
    hint: 'check the port, and whether the address has to begin with https:',
  },
  proxy_unreachable: {
    title: 'proxy not reached',
    explanation: 'The proxy that requests have to go through cannot be reached.',
    hint: 'check `proxy`, or `HTTP_PROXY` and `HTTPS_PROXY` of the environment, and whether the proxy runs',
  },
  proxy_refused: {
    title: 'refused by the proxy',
    explanation: 'The proxy does not connect to the server: it requires a login, or does not allow the host.',
    hint: 'check the name and password in `proxy`, and whether the proxy allows this host',
  },
  token_refused: {
    title: 'no token granted',
    explanation: 'The server of tokens (`auth.oauth2`) refuses the client, or its answer has no token.',
    hint: 'check `token_url`, `client_id`, `client_secret` and `scope` of `auth.oauth2`',
  },
  token_unavailable: {
    title: 'server of tokens does not answer',
    explanation: 'The server of tokens (`auth.oauth2`) cannot be reached, or is overloaded.',
    hint: 'check `token_url` of `auth.oauth2`; `retry` sets how long it is retried',
  },
  answer_mismatch: {
    title: 'answer is not as declared',
    explanation:
      'The answer to a request does not have the outcome of each record where `answers` says. Nothing of that request counts as delivered.',
    hint: 'compare `answers` with what the server answers',
  },
  held: {
    title: 'waiting for an earlier record',
    explanation: 'A record waits until an earlier one with the same key has been delivered.',
    hint: 'nothing: it is written after the record before it',
  },
  private_address: {
    title: 'address of a private network',
    explanation: 'An address points to this machine or a private network, directly, by DNS or by a redirect.',
    hint: 'if this is intended, set `allow_private: true`',
  },
  bad_redirect: {
    title: 'redirect not followed',
    explanation: 'A server redirects too often, to something that is not HTTP, or from https to http.',
    hint: 'set `url` to the final address of the server',
  },
  bad_status: {
    title: 'request was refused',
    explanation: 'A server answered with a status that does not mean success.',
    hint: 'check `url`, `query` and `headers` against the documentation of the server',
  },
  unauthorized: {
    title: 'wrong credentials',
    explanation: 'A server does not accept the credentials that were sent.',
    hint: 'check the token or password, and its permissions',
  },
  unknown_host: {
    title: 'host not found',
    explanation: 'No name server knows the host of an address.',
    hint: 'check the spelling of the host, and whether this machine resolves it',
  },
  tls_untrusted: {
    title: 'certificate not trusted',
    explanation: 'The certificate of a server was signed by nobody known, has expired, or is for another name.',
    hint: 'name the authority that signed it, or connect by a name that is in the certificate',
  },
  tls_failed: {
    title: 'no encrypted connection',
    explanation: 'The server does not speak TLS at this port, or no version of it that this client accepts.',
    hint: 'check the port, and whether the connection is to be encrypted',
  },
  unknown_topic: {
    title: 'topic does not exist',
    explanation:
      'The brokers do not know the topic: it was never created, or was deleted. With `create`, a sink makes it again and sends what was not acknowledged.',
    hint: 'check the spelling of `stream`, create the topic, or set `create`',
  },
  kafka_refused: {
    title: 'refused by the brokers',
    explanation: 'The brokers refuse the request: the topic, its settings or the permissions do not allow it.',
    hint: "read the code in the message: it is Kafka's",
  },
  kafka_unavailable: {
    title: 'brokers not available',
    explanation: 'No broker could be reached, or none could answer; the call is retried, then the run stops.',
    hint: 'check that the brokers run, and their addresses; `retry` sets how long it is retried',
  },
  no_answer: {
    title: 'no answer in time',
    explanation: 'A system did not answer within the timeout.',
    hint: 'raise `timeout`, or request less at a time',
  },
  asked_to_wait: {
    title: 'server asks for too long a wait',
    explanation: 'A server asks for a wait that is longer than `retry` allows.',
    hint: 'run again later, or raise `for` of `retry`',
  },
  bad_page: {
    title: 'page is not what was expected',
    explanation: 'An answer has no list of records where one should be, or is truncated.',
    hint: 'check `items` against what the server actually answers',
  },
  answer_too_large: {
    title: 'answer too large',
    explanation: 'An answer that is needed as a whole is larger than allowed, perhaps after decompression.',
    hint: 'request smaller pages, or raise `max_body`; send fewer records per request (`batch`)',
  },
  paging_stuck: {
    title: 'pages form a loop',
    explanation: 'A page names itself as the next one, so reading would never end.',
    hint: 'check the `page` options against the documentation of the server',
  },
  group_in_use: {
    title: 'consumer group in use',
    explanation: 'The consumer group for reporting offsets has members of its own.',
    hint: 'choose a group without members',
  },

  refused: {
    title: 'refused by the system',
    explanation: 'The system refuses the request itself, whatever its records.',
    hint: "read the system's message: it names what it refuses",
  },
  unavailable: {
    title: 'system not available',
    explanation: 'The system is temporarily unavailable; the call is retried, then the run stops.',
    hint: 'check that the system is healthy, then run again; `retry` sets how long it is retried',
  },
  throttled: {
    title: 'too many requests for the system',
    explanation: 'A service asks for fewer requests; the call is retried, ever more slowly, then the run stops.',
    hint: 'raise its capacity, or have fewer readers and writers; `retry` sets how long it is retried',
  },
  resource_missing: {
    title: 'no such resource',
    explanation: 'A service does not have the stream, table or bucket that the spec names.',
    hint: 'check its name, the region and the account',
  },
  unknown_outcome: {
    title: 'outcome unknown',
    explanation: 'The system could not say whether it has accepted a write; it is repeated with the same keys.',
    hint: 'nothing: it is repeated with the same keys',
  },
  bad_connection: {
    title: 'connection refused by configuration',
    explanation: 'The system was reached, but the address, the name or the password is wrong.',
    hint: 'check the address, the name and the password',
  },
  other_ids: {
    title: 'ids of another type',
    explanation:
      'The collection has documents whose `_id` is not text, so keys as text would make a second document of each.',
    hint: 'set `id_type` of the sink to the type of the ids',
  },
  key_taken: {
    title: 'concurrent write',
    explanation: 'Two writes created the same document at the same time; this one is retried.',
    hint: 'nothing: the write is repeated',
  },
  memory_cap: {
    title: 'memory cap reached',
    explanation:
      'A step with memory has more groups or keys than it may keep. Nothing beyond it was saved; raise the cap and run again to continue.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Bad records and the dead letter. */
export const letterErrors = {
  too_many_bad_records: {
    title: 'too many bad records',
    explanation: 'The share of bad records exceeded `stop_above`.',
  },
  no_dead_letter: { title: 'no dead letter', explanation: 'The pipeline keeps no dead letters.' },
  cannot_read_back: {
    title: 'dead letters cannot be read back',
    explanation: 'The sink with the dead letters cannot be read here.',
    hint: 'keep them in `files` or a documents store',
  },
  not_replayable: {
    title: 'records cannot be replayed',
    explanation: 'The source cannot decode the bytes of a dead letter again.',
    hint: 'read the source again, or repair and load the letters by hand',
  },
  not_reached: {
    title: 'record no longer reaches its node',
    explanation:
      'A dead letter was replayed, but with the current spec its record no longer reaches the node where it failed: it is filtered earlier, or the step was renamed.',
    hint: 'restore the name of the step, or dismiss the letter',
  },
  replay_into_ended: {
    title: 'results are final',
    explanation: 'The records would enter a stateful step whose run has ended.',
    hint: 'run the pipeline again',
  },
  run_interrupted: {
    title: 'an interrupted run comes first',
    explanation:
      'Letters were to be replayed by a command of its own, but the last run was killed and may have written results that depend on the order of its input. Letters that came first would change that order.',
    hint: 'run the pipeline, which repeats the order; letters can be replayed while it runs, or after it',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Steps, functions and types. */
export const stepErrors = {
  duplicate_side_key: {
    title: 'duplicate key in a side input',
    explanation: 'Two rows of the side input of a join have the same key.',
    hint: 'take: first, or take: last',
  },
  side_too_large: {
    title: 'side input too large',
    explanation: 'The other side of a join has more keys than `max_rows`.',
  },
  function_missing: {
    title: 'function not found',
    explanation: 'The file of a `call` step, or the function in it, does not exist.',
  },
  function_broken: { title: 'function cannot be loaded', explanation: 'Importing the file of a `call` step failed.' },
  bad_record: { title: 'record cannot be read', explanation: 'A record cannot be decoded while types are inferred.' },
  cannot_infer: {
    title: 'types cannot be inferred',
    explanation: 'The input does not show the names or types of its fields.',
    hint: 'write the schema by hand',
  },
  nothing_to_infer: { title: 'nothing to infer from', explanation: 'There are no records to infer types from.' },
  unknown_type: { title: 'unknown connector or step', explanation: 'No source, step or sink has this name.' },
} as const satisfies Record<string, CatalogueEntry>

/** By code. */
export const runEntries = {
  ...commandErrors,
  ...stateErrors,
  ...inputErrors,
  ...outputErrors,
  ...systemErrors,
  ...letterErrors,
  ...stepErrors,
} as const satisfies Record<string, CatalogueEntry>
