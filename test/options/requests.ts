/**
 * Options of connectors that send requests, each tried against a server in this process that reports what it received.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Entry, Pair } from './entry.ts'
import { rowsOut, seen, specOf } from './world.ts'

type Config = Readonly<Record<string, unknown>>

/** Runs `body` with a server; its port differs, so it is removed from what is observed. */
async function beside(
  answer: (url: URL, request: IncomingMessage, body: string, response: ServerResponse) => void | Promise<void>,
  body: (address: string) => Promise<unknown>,
): Promise<unknown> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { authorization, 'x-a': a, 'content-type': type, 'millrace-ids': ids } = request.headers
    asked.push(JSON.stringify([request.method, request.url, authorization, a, type, ids !== undefined, text]))
    await answer(new URL(request.url!, 'http://here'), request, text, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const result = await body(`http://127.0.0.1:${port}`)
    return JSON.parse(JSON.stringify([asked.sort(), result]).replaceAll(String(port), 'PORT'))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const pages: Readonly<Record<string, unknown>> = {
  '/list': [
    { n: 1, at: 5, name: 'x' },
    { n: 2, at: 6, name: 'y' },
  ],
  '/other': [{ n: 9, at: 1, name: 'z' }],
  '/object': { data: [{ n: 3 }], more: [{ n: 4 }], next: 'c1', last: null },
}
const csv =
  'name,n\n"a;b",1\nNULL,2\n5" or 6" disk,5\né,\'3\'\nlone\n"a name that is much longer than all of the others",4\n'

const poll =
  (base: Config, fields: Config = { n: 'integer', name: 'string?', at: 'integer?' }) =>
  (b: Config, a: Config = {}): Pair<Config> => ({
    a: { ...base, ...a },
    b: { ...base, ...b },
    see: ({ path = '/list', ...config }) =>
      beside(
        (url, _request, _body, response) => {
          if (url.pathname === '/csv') return void response.writeHead(200, { 'content-type': 'text/csv' }).end(csv)
          const at = url.searchParams
          const past = at.has('cursor') || at.has('c') || Number(at.get('page') ?? at.get('p') ?? 0) > 2
          const page = past ? (url.pathname === '/object' ? { data: [], more: [] } : []) : pages[url.pathname]
          const link = url.pathname === '/list' && !at.has('next') ? { link: '</list?next=1>; rel="next"' } : {}
          response.writeHead(200, { 'content-type': 'application/json', ...link }).end(JSON.stringify(page))
        },
        (address) =>
          seen({
            spec: specOf({
              source: {
                type: 'http_poll',
                config: { url: `${address}${String(path)}`, stop: 'end', allow_private: true, ...config },
                schema: { fields },
                retry: { for: '200ms' },
              },
              sinks: { ids: { type: 'sqlite', config: { collection: 'c', path: 'out.db' } }, ...rowsOut },
              on_error: { data: 'drop' },
            }),
            env: { MILLRACE_SECRET_T: 'token' },
          }),
      ),
  })
const asks = poll({})
const numbers = { schema: { fields: { n: 'integer' } } }
const ofPage = poll({ path: '/csv' }, { name: 'string?', n: 'string?' })
const format = (b: Config) => ofPage({ format: { type: 'csv', ...b } }, { format: { type: 'csv' } })
const named = (test: string): Entry => ({ file: 'packages/source-http/test/poll.test.ts', test })

const orders = 'id,note\n1,one\n2,\n1,three\n'
const posts =
  (base: Config = {}) =>
  (b: Config, a: Config = {}): Pair<Config> => ({
    a: { ...base, ...a },
    b: { ...base, ...b },
    see: ({ path = '/x', ...config }) =>
      beside(
        (_url, _request, _body, response) => void response.writeHead(200).end(),
        (address) =>
          seen({
            files: { 'in.csv': orders },
            spec: specOf({
              source: {
                type: 'csv',
                config: { path: 'in.csv' },
                schema: { fields: { id: 'string', note: 'string?' } },
              },
              sinks: { out: { type: 'http', config: { url: `${address}${String(path)}`, ...config } } },
            }),
            env: { MILLRACE_SECRET_T: 'token' },
          }),
      ),
  })
const sends = posts()
const many = posts({ body: 'array' })
const ofSink = (test: string): Entry => ({ file: 'packages/sink-http/test/http.test.ts', test })

const inHttp =
  (file: string) =>
  (test: string): Entry => ({ file: `test/http/${file}.test.ts`, test })
const redirected = inHttp('redirects')
const answered = (test: string): Entry => ({ file: 'packages/sink-http/test/answers.test.ts', test })

/** How a server is reached: the same options for both. */
function reach(who: string, sees: (b: Config, a?: Config) => Entry): Record<string, Entry> {
  const way = inHttp('ways')
  const token = inHttp('tokens')
  const basic = (username: string, password: string) => ({ auth: { basic: { username, password } } })
  const oauth2 = [
    ['', 'fetches a token once, as RFC 6749 says'],
    ['.token_url', 'says why there is none, and sends nothing'],
    ['.client_id', 'fetches a token once, as RFC 6749 says'],
    ['.client_secret', 'fetches a token once, as RFC 6749 says'],
    ['.scope', 'fetches a token once, as RFC 6749 says'],
    ['.audience', 'fetches a token once, as RFC 6749 says'],
  ].map(([name, test]) => [`${who} auth.oauth2${name}`, token(test!)] as const)
  const trust = way('trusts the authority of `tls.ca`, and shows the certificate that a server requires')
  return {
    [`${who} auth`]: sees({ auth: { bearer: '${secret:t}' } }),
    [`${who} auth.bearer`]: sees({ auth: { bearer: '${secret:t}' } }, { auth: { bearer: 'other' } }),
    [`${who} auth.basic`]: sees(basic('u', 'ppp')),
    [`${who} auth.basic.username`]: sees(basic('u', 'ppp'), basic('v', 'ppp')),
    [`${who} auth.basic.password`]: sees(basic('u', 'ppp'), basic('u', 'qqq')),
    ...Object.fromEntries(oauth2),
    [`${who} proxy`]: way(
      'goes through a proxy, with its login: by a tunnel for https:, with the whole address for http:',
    ),
    [`${who} tls`]: trust,
    [`${who} tls.ca`]: trust,
    [`${who} tls.certificate`]: trust,
    [`${who} tls.reject_unauthorized`]: trust,
  }
}

export const requests: Readonly<Record<string, Entry>> = {
  'source http_poll url': asks({ path: '/other' }),
  'source http_poll query': asks({ query: { a: '1' } }),
  'source http_poll query.*': asks({ query: { a: '1' } }, { query: { a: '2' } }),
  'source http_poll headers': asks({ headers: { 'x-a': '1' } }),
  'source http_poll headers.*': asks({ headers: { 'x-a': '1' } }, { headers: { 'x-a': '2' } }),
  ...reach('source http_poll', asks),
  'source http_poll redirects': redirected('follows no more than so many'),
  'source http_poll format': ofPage({ format: 'csv' }),
  'source http_poll format.type': ofPage({ format: { type: 'csv' } }, { format: { type: 'jsonl' } }),
  'source http_poll format.delimiter': format({ delimiter: ';' }),
  'source http_poll format.quote': format({ quote: "'" }),
  'source http_poll format.bare_quotes': format({ bare_quotes: 'error' }),
  'source http_poll format.header': format({ header: false }),
  'source http_poll format.encoding': format({ encoding: 'latin1' }),
  'source http_poll format.nulls': format({ nulls: ['NULL'] }),
  'source http_poll format.ragged': format({ ragged: 'pad' }),
  'source http_poll format.max_record_size': format({ max_record_size: '30B' }),
  'source http_poll items': asks({ path: '/object', items: 'more' }, { path: '/object', items: 'data' }),
  'source http_poll id': asks({ id: 'name' }),
  'source http_poll page': asks({ page: {} }),
  'source http_poll page.param': asks({ page: { param: 'p' } }, { page: {} }),
  'source http_poll page.first': asks({ page: { first: 2 } }, { page: {} }),
  'source http_poll page.size': asks({ page: { size: 3 } }, { page: {} }),
  'source http_poll page.size_param': asks({ page: { size: 3, size_param: 'per' } }, { page: { size: 3 } }),
  'source http_poll cursor': asks(
    { path: '/object', items: 'data', cursor: { field: 'next' } },
    { path: '/object', items: 'data' },
  ),
  'source http_poll cursor.field': asks(
    { path: '/object', items: 'data', cursor: { field: 'last' } },
    { path: '/object', items: 'data', cursor: { field: 'next' } },
  ),
  'source http_poll cursor.param': asks(
    { path: '/object', items: 'data', cursor: { field: 'next', param: 'c' } },
    { path: '/object', items: 'data', cursor: { field: 'next' } },
  ),
  'source http_poll link': asks({ link: true }),
  'source http_poll since': asks({ since: { field: 'at', param: 's', start: '1' } }),
  'source http_poll since.field': asks(
    { since: { field: 'missing', param: 's', start: '1' } },
    { since: { field: 'at', param: 's', start: '1' } },
  ),
  'source http_poll since.param': asks(
    { since: { field: 'at', param: 't', start: '1' } },
    { since: { field: 'at', param: 's', start: '1' } },
  ),
  'source http_poll since.start': asks(
    { since: { field: 'at', param: 's', start: '1' } },
    { since: { field: 'at', param: 's' } },
  ),
  'source http_poll stop': {
    a: 'end',
    b: 'never',
    see: (stop) =>
      seen({
        spec: specOf({
          source: { type: 'http_poll', config: { url: 'http://127.0.0.1/', stop }, ...numbers },
          sinks: rowsOut,
        }),
        plan: ({ runs }) => runs,
      }),
  },
  'source http_poll interval': named('asks again and again for what is new, and says when there is no more'),
  'source http_poll rate': named('keep requests at the rate that is asked for'),
  'source http_poll timeout': named('or that is gone, or silent, is to be asked again'),
  'source http_poll max_body': asks({ max_body: '16B' }),
  'source http_poll allow_private': asks({ allow_private: false }),
  'sink http url': sends({ path: '/y' }),
  'sink http method': sends({ method: 'PUT' }),
  'sink http body': sends({ body: 'json_lines' }),
  'sink http batch': many({ batch: 1 }),
  'sink http ids': many({ ids: false }),
  'sink http nulls': sends({ nulls: 'write' }),
  'sink http concurrency': ofSink('keeps the order of a key: what follows a record that failed is held'),
  'sink http order': ofSink('keeps the order of a key: what follows a record that failed is held'),
  'sink http key': ofSink('keeps the order of a key: what follows a record that failed is held'),
  'sink http headers': sends({ headers: { 'x-a': '1' } }),
  'sink http headers.*': sends({ headers: { 'x-a': '1' } }, { headers: { 'x-a': '2' } }),
  ...reach('sink http', sends),
  'sink http redirects': redirected('follows no more than so many'),
  'sink http answers': many({ answers: { status: 'status' } }),
  'sink http answers.items': answered('a status per item and an error below it (Elasticsearch)'),
  'sink http answers.lists': answered('those that failed, by number (BigQuery)'),
  'sink http answers.index': answered('those that failed, by number (BigQuery)'),
  'sink http answers.id': answered('in any order, by a field (Azure Search)'),
  'sink http answers.id.path': answered('in any order, by a field (Azure Search)'),
  'sink http answers.id.field': answered('in any order, by a field (Azure Search)'),
  'sink http answers.status': answered('a status per item and an error below it (Elasticsearch)'),
  'sink http answers.accepted': answered('words (Mailjet)'),
  'sink http answers.again': answered('may be known by its code'),
  'sink http answers.code': answered('an error or none (Kafka REST)'),
  'sink http answers.message': answered('an error or none (Kafka REST)'),
  'sink http answers.field': answered('names the field at fault'),
  'sink http timeout': ofSink('tells what can never pass from what can pass later'),
}
