/**
 * Examples of run errors and of bad records: a small project, the commands that lead to the error, and its fix. The
 * error pages print the real output; a test requires that the last command reports the code, and that after the fix the
 * last command of the fix succeeds.
 */

/** Files by path; bytes where text is not enough. */
export type Files = Readonly<Record<string, string | Uint8Array>>

export interface Example {
  readonly files: Files
  /** Command lines without `pipe`, and files that are changed between them; the last line reports the error. */
  readonly run: readonly (string | Files)[]
  readonly mend: {
    /** Files that differ then. */
    readonly files?: Files
    /** Default: the last command again. */
    readonly run?: readonly string[]
  }
}

interface Shape {
  readonly type?: string
  readonly config?: string
  readonly sourceMore?: string
  readonly steps?: string
  readonly sinks?: string
  readonly more?: string
}

/** A spec that reads a file, with the parts that matter. */
const spec = (fields: string, shape: Shape = {}): string => {
  const { type = 'csv', config = 'path: in.csv', sourceMore = '', steps, sinks = 'out: { type: "null" }', more } = shape
  return [
    'version: 1',
    'name: example',
    'source:',
    `  type: ${type}`,
    `  config: { ${config} }`,
    `  schema: { fields: { ${fields} } }`,
    ...(sourceMore ? [`  ${sourceMore}`] : []),
    ...(steps ? ['steps:', `  - ${steps}`] : []),
    ...(more ? [more] : []),
    'sinks:',
    `  ${sinks}`,
    '',
  ].join('\n')
}
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const once = ['run spec.yaml']

/** One spec, one wrong input, one right input. */
const input = (fields: string, wrong: string | Uint8Array, right: string | Uint8Array, shape: Shape = {}): Example => ({
  files: { 'spec.yaml': spec(fields, shape), 'in.csv': wrong },
  run: once,
  mend: { files: { 'in.csv': right } },
})
/** A stream with a record that has no value, and a spec that reads it. */
const tombstone = (): Example => {
  const reads = (more: string) =>
    spec('k: string, n: integer?', { type: 'log', config: `stream: s, stop: end, key_field: k${more}` })
  const write = 'out: { type: log, config: { stream: s, format: text, value_field: n, key: k, on_null: write } }'
  return {
    files: {
      'in.csv': 'k,n\na,\n',
      'write.yaml': spec('k: string, n: string?', { sinks: write }),
      'spec.yaml': reads(''),
    },
    run: ['run write.yaml', 'run spec.yaml'],
    mend: { files: { 'spec.yaml': reads(', tombstones: keep') } },
  }
}
/** The same with JSON lines. */
const lines = (fields: string, wrong: string, right: string, shape: Shape = {}): Example => ({
  files: { 'spec.yaml': spec(fields, { type: 'files', config: 'path: in.jsonl', ...shape }), 'in.jsonl': wrong },
  run: once,
  mend: { files: { 'in.jsonl': right } },
})
/** One input, a spec that is fixed. */
const mended = (
  fields: string,
  data: string | Uint8Array,
  wrong: Shape,
  right: Shape,
  rightFields = fields,
): Example => ({
  files: { 'spec.yaml': spec(fields, wrong), 'in.csv': data },
  run: once,
  mend: { files: { 'spec.yaml': spec(rightFields, right) } },
})

const orders = 'id,n\n1,2\n2,3\n'
const ids = 'id: integer, n: integer'

/** By part and code. */
export const examples: Readonly<Record<'bad record' | 'run', Readonly<Record<string, Example>>>> = {
  'bad record': {
    bad_encoding: mended('city: string', latin1('city\nKöln\n'), {}, { config: 'path: in.csv, encoding: latin1' }),
    bad_json: lines('id: integer', '{"id":1}\n{"id":2\n', '{"id":1}\n{"id":2}\n'),
    not_object: lines('id: integer', '[1]\n', '{"id":1}\n'),
    duplicate_key: lines('id: integer', '{"id":1,"id":2}\n', '{"id":1}\n'),
    unknown_field: mended('id: integer', orders, { sourceMore: 'unknown_fields: error' }, {}),
    missing_value: mended(ids, 'id,n\n1,\n', {}, {}, 'id: integer, n: integer?'),
    missing_column: input(ids, 'id\n1\n', orders),
    duplicate_column: input(ids, 'id,n,n\n1,2,3\n', orders),
    forbidden_column: input(ids, 'id,n,__proto__\n1,2,3\n', orders),
    ragged_row: input(ids, 'id,n\n1,2,3\n', orders),
    bad_quote: input('text: string', 'text\n"a"b\n', 'text\n"a""b"\n'),
    byte_order_mark: input('text: string', 'text\na\n\ufeffb\n', 'text\na\nb\n'),
    unclosed_quote: input('text: string', `text\n"${'a'.repeat(2000)}\n`, 'text\n"a"\n', {
      config: 'path: in.csv, max_record_size: 1KiB',
    }),
    record_too_large: mended(
      'text: string',
      `text\n${'a'.repeat(2000)}\n`,
      { config: 'path: in.csv, max_record_size: 1KiB' },
      {},
    ),
    not_string: lines('name: string', '{"name":7}\n', '{"name":"7"}\n'),
    not_boolean: input('paid: boolean', 'paid\nyes\n', 'paid\ntrue\n'),
    not_integer: mended('n: integer', 'n\n1.5\n', {}, {}, 'n: number'),
    not_number: input('price: number', 'price\n"1,5"\n', 'price\n1.5\n'),
    not_list: lines('tags: list<string>', '{"tags":"a"}\n', '{"tags":["a"]}\n'),
    bad_decimal: mended('price: "decimal(6,2)"', 'price\n1.99 EUR\n', {}, {}, 'price: string'),
    no_event_time: mended(
      'at: string',
      'at\n12/1/2010 8:26\n12/1/2010\n',
      { sourceMore: 'event_time: { field: at, formats: ["M/d/yyyy H:mm"] }' },
      { sourceMore: 'event_time: { field: at, formats: ["M/d/yyyy H:mm", "M/d/yyyy"] }' },
    ),
    event_time_ahead: input('at: timestamp', 'at\n2110-12-01T08:26:00Z\n', 'at\n2010-12-01T08:26:00Z\n', {
      sourceMore: 'event_time: { field: at, max_future: 1h }',
    }),
    bad_date: mended(
      'at: string',
      'at\n13/1/2025\n',
      { steps: 'parse_dates: { at: { formats: ["M/d/yyyy"], to: "yyyy-MM-dd" } }' },
      { steps: 'parse_dates: { at: { formats: ["d/M/yyyy"], to: "yyyy-MM-dd" } }' },
    ),
    bad_time: input('at: time', 'at\n8:26 AM\n', 'at\n08:26\n'),
    bad_bytes: input('raw: bytes', 'raw\nnot base64!\n', 'raw\naGk=\n'),
    bad_duration: mended(
      'wait: string',
      'wait\n90\n',
      { steps: 'set: { ms: "duration(wait)" }' },
      { steps: `set: { ms: "duration(wait + 's')" }` },
    ),
    out_of_range: mended('n: integer', 'n\n9007199254740993\n', {}, {}, 'n: bigint'),
    division_by_zero: mended(
      ids,
      'id,n\n1,0\n',
      { steps: 'set: { share: "100 / n" }' },
      { steps: 'set: { share: "n == 0 ? 0.0 : 100 / n" }' },
    ),
    call_failed: {
      files: {
        'spec.yaml': spec(ids, { steps: 'call: { function: ./step.ts#half, output: { fields: { n: number } } }' }),
        'step.ts': "export function half({ n }) {\n  if (n % 2) throw new Error('odd')\n  return { n: n / 2 }\n}\n",
        'in.csv': orders,
      },
      run: once,
      mend: { files: { 'in.csv': 'id,n\n1,2\n2,4\n' } },
    },
    bad_result: {
      files: {
        'spec.yaml': spec(ids, { steps: 'call: { function: ./step.ts#half, output: { fields: { n: number } } }' }),
        'step.ts': 'export const half = ({ n }) => ({ n: String(n / 2) })\n',
        'in.csv': orders,
      },
      run: once,
      mend: {
        files: {
          'spec.yaml': spec(ids, { steps: 'call: { function: ./step.ts#half, output: { fields: { n: string } } }' }),
        },
      },
    },
    tombstone: tombstone(),
    null_key: input('id: integer?, n: integer', 'id,n\n,2\n', orders, {
      sinks: 'store: { type: sqlite, config: { collection: orders, key: id } }',
    }),
    reads_as_null: mended(
      'n: integer',
      'n\n0\n',
      { sinks: 'out: { type: files, config: { path: out.csv, format: { type: csv, nulls: "0" } } }' },
      { sinks: 'out: { type: files, config: { path: out.csv, format: { type: csv, nulls: "-" } } }' },
    ),
    key_exists: input(ids, 'id,n\n1,2\n1,3\n', orders, {
      sinks: 'store: { type: sqlite, config: { collection: orders, key: id, write: insert } }',
    }),
  },
  run: {
    usage: {
      files: { 'spec.yaml': spec(ids), 'in.csv': orders },
      run: ['run spec.yaml --repalce'],
      mend: { run: ['run spec.yaml --replace'] },
    },
    not_shared: {
      files: { 'spec.yaml': spec(ids), 'in.csv': orders },
      run: ['run spec.yaml --instance 0/2'],
      mend: { run: once },
    },
    state_changed: {
      files: {
        'spec.yaml': spec(ids, { steps: '{ id: once, dedupe: { by: [id], last: 100 } }', more: 'runs: continue' }),
        'in.csv': orders,
      },
      run: [
        'run spec.yaml',
        { 'spec.yaml': spec(ids, { steps: '{ id: first, dedupe: { by: [id], last: 100 } }', more: 'runs: continue' }) },
        'run spec.yaml',
      ],
      mend: { run: ['state move example once first', 'run spec.yaml'] },
    },
    input_missing: {
      files: { 'spec.yaml': spec(ids) },
      run: once,
      mend: { files: { 'in.csv': orders } },
    },
    broken_compression: {
      files: { 'spec.yaml': spec(ids, { config: 'path: in.csv.gz' }), 'in.csv.gz': 'not gzip' },
      run: once,
      mend: { files: { 'spec.yaml': spec(ids), 'in.csv': orders } },
    },
    broken_file: {
      files: {
        'spec.yaml': spec(ids, { type: 'files', config: 'path: in.parquet' }),
        'in.parquet': 'this is no Parquet at all',
      },
      run: once,
      mend: { files: { 'spec.yaml': spec(ids), 'in.csv': orders } },
    },
    output_exists: {
      files: { 'spec.yaml': spec(ids, { sinks: 'out: { type: files, config: { path: out/ } }' }), 'in.csv': orders },
      run: ['run spec.yaml', 'run spec.yaml'],
      mend: { run: ['run spec.yaml --replace'] },
    },
    existing_results: {
      files: {
        'spec.yaml': spec(ids, {
          sinks: 'out: { type: sqlite, config: { path: a.db, table: orders, write: append } }',
        }),
        'in.csv': orders,
      },
      run: ['run spec.yaml', 'run spec.yaml'],
      mend: { run: ['run spec.yaml --keep'] },
    },
    path_taken: {
      files: { 'shop/millrace.yaml': 'connections: {}\n' },
      run: ['init shop'],
      mend: { run: ['init market'] },
    },
    fake_failed: {
      files: {
        'spec.yaml': spec('n: integer', {
          type: 'generate',
          config: 'count: 3, fields: { n: { fake: number.int, with: { min: 9, max: 1 } } }',
        }),
      },
      run: once,
      mend: {
        files: {
          'spec.yaml': spec('n: integer', {
            type: 'generate',
            config: 'count: 3, fields: { n: { fake: number.int, with: { min: 1, max: 9 } } }',
          }),
        },
      },
    },
    not_found: {
      files: { 'spec.yaml': spec(ids, { type: 'sqlite', config: 'path: shop.db, table: orders' }) },
      run: once,
      mend: {
        files: {
          'load.yaml': spec(ids, {
            sinks: 'out: { type: sqlite, config: { path: shop.db, table: orders, write: append } }',
          }).replace('example', 'load'),
          'in.csv': orders,
        },
        run: ['run load.yaml', 'run spec.yaml'],
      },
    },
    unknown_collection: {
      files: {
        'load.yaml': spec(ids, {
          sinks: 'out: { type: sqlite, config: { path: shop.db, table: orders, write: append } }',
        }).replace('example', 'load'),
        'in.csv': orders,
        'spec.yaml': spec(ids, { type: 'sqlite', config: 'path: shop.db, table: order' }),
      },
      run: ['run load.yaml', 'run spec.yaml'],
      mend: { files: { 'spec.yaml': spec(ids, { type: 'sqlite', config: 'path: shop.db, table: orders' }) } },
    },
    table_differs: {
      files: {
        'load.yaml': spec(ids, {
          sinks: 'out: { type: sqlite, config: { path: shop.db, table: orders, write: append } }',
        }).replace('example', 'load'),
        'in.csv': orders,
        'spec.yaml': spec('id: integer, amount: integer', { type: 'sqlite', config: 'path: shop.db, table: orders' }),
      },
      run: ['run load.yaml', 'run spec.yaml'],
      mend: { files: { 'spec.yaml': spec(ids, { type: 'sqlite', config: 'path: shop.db, table: orders' }) } },
    },
    memory_cap: mended(
      ids,
      orders,
      { steps: 'aggregate: { by: [id], outputs: { n: "sum(n)" }, max_groups: 1 }' },
      { steps: 'aggregate: { by: [id], outputs: { n: "sum(n)" }, max_groups: 1000 }' },
    ),
    too_many_bad_records: {
      files: {
        'spec.yaml': spec(ids, {
          more: 'on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: bad/, format: jsonl }, stop_above: "5 %" }',
        }),
        'in.csv': `id,n\n${Array.from({ length: 1000 }, (_, i) => `${i},${i % 5 ? i : 'x'}\n`).join('')}`,
      },
      run: once,
      mend: { files: { 'in.csv': orders }, run: ['state reset example --yes', 'run spec.yaml --replace'] },
    },
    no_dead_letter: {
      files: { 'spec.yaml': spec(ids), 'in.csv': 'id,n\n1,x\n' },
      run: ['dead-letter list spec.yaml'],
      mend: {
        files: {
          'spec.yaml': spec(ids, {
            more: 'on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: bad/, format: jsonl } }',
          }),
        },
        run: ['run spec.yaml', 'dead-letter list spec.yaml'],
      },
    },
    duplicate_side_key: {
      files: {
        'spec.yaml': spec(ids, {
          steps: 'join: { file: names.csv, schema: { fields: { id: integer, name: string } }, on: id }',
        }),
        'in.csv': orders,
        'names.csv': 'id,name\n1,a\n1,b\n',
      },
      run: once,
      mend: {
        files: {
          'spec.yaml': spec(ids, {
            steps: 'join: { file: names.csv, schema: { fields: { id: integer, name: string } }, on: id, take: last }',
          }),
        },
      },
    },
    side_too_large: {
      files: {
        'spec.yaml': spec(ids, {
          steps: 'join: { file: names.csv, schema: { fields: { id: integer, name: string } }, on: id, max_rows: 1 }',
        }),
        'in.csv': orders,
        'names.csv': 'id,name\n1,a\n2,b\n',
      },
      run: once,
      mend: {
        files: {
          'spec.yaml': spec(ids, {
            steps: 'join: { file: names.csv, schema: { fields: { id: integer, name: string } }, on: id }',
          }),
        },
      },
    },
    function_missing: {
      files: {
        'spec.yaml': spec(ids, { steps: 'call: { function: ./step.ts#half, output: { fields: { n: number } } }' }),
        'in.csv': orders,
      },
      run: once,
      mend: { files: { 'step.ts': 'export const half = ({ n }) => ({ n: n / 2 })\n' } },
    },
    function_broken: {
      files: {
        'spec.yaml': spec(ids, { steps: 'call: { function: ./broken.ts#half, output: { fields: { n: number } } }' }),
        'broken.ts': "throw new Error('no connection')\nexport const half = ({ n }) => ({ n: n / 2 })\n",
        'in.csv': orders,
      },
      run: once,
      mend: {
        files: {
          'spec.yaml': spec(ids, { steps: 'call: { function: ./step.ts#half, output: { fields: { n: number } } }' }),
          'step.ts': 'export const half = ({ n }) => ({ n: n / 2 })\n',
        },
      },
    },
    bad_record: {
      files: { 'in.jsonl': '{"id":1}\n{"id":\n' },
      run: ['schema infer in.jsonl'],
      mend: { files: { 'in.jsonl': '{"id":1}\n{"id":2}\n' } },
    },
    nothing_to_infer: {
      files: { 'in.jsonl': '' },
      run: ['schema infer in.jsonl'],
      mend: { files: { 'in.jsonl': '{"id":1}\n' } },
    },
    unknown_type: { files: {}, run: ['describe cvs'], mend: { run: ['describe csv'] } },
    state_corrupt: {
      files: {
        'spec.yaml': spec(ids),
        'in.csv': orders,
        '.millrace/local/example/state.db': 'not a database at all, but long enough to be looked at',
      },
      run: once,
      mend: { run: ['state reset example --yes', 'run spec.yaml'] },
    },
    input_changed: {
      files: { 'spec.yaml': spec(ids, { more: 'runs: continue' }), 'in.csv': orders },
      run: ['run spec.yaml', { 'in.csv': 'id,n\n1,2\n9,9\n' }, 'run spec.yaml'],
      mend: { files: { 'in.csv': `${orders}3,4\n` } },
    },
  },
}
