/**
 * A route that checks the same schema and immediately answers with what it received; nothing is stored. BENCH_PORT:
 * where.
 */
import fastify from 'fastify'

const text = { type: 'string' }
const optional = { type: ['string', 'null'] }
const body = {
  type: 'object',
  required: ['InvoiceNo', 'StockCode', 'Quantity', 'InvoiceDate', 'UnitPrice', 'Country'],
  properties: {
    InvoiceNo: text,
    StockCode: text,
    Description: optional,
    Quantity: { type: 'integer' },
    InvoiceDate: text,
    UnitPrice: { type: 'number' },
    CustomerID: optional,
    Country: text,
  },
}
const app = fastify({ forceCloseConnections: true })
app.post('/records', { schema: { body } }, (request, reply) => void reply.code(201).send(request.body))
await app.listen({ host: '127.0.0.1', port: Number(process.env['BENCH_PORT']) })
process.on('SIGTERM', () => void app.close())
