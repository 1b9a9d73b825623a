/** The JSON Schema of pages, for completion in editors. `pipe check` checks more than a schema can express. */
import { mapOf, objectSchema } from '../spec/json-schema.ts'
import { elementShape, inputShape, pageShape, queryShape } from './shape.ts'

/** For `pipe schema print --pages`. */
export function pageJsonSchema(): Readonly<Record<string, unknown>> {
  const link = { type: 'object', properties: { page: { type: 'string' } }, additionalProperties: { type: 'string' } }
  const element = objectSchema(elementShape, { link, links: mapOf(link) })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace page',
    ...objectSchema(pageShape, {
      inputs: mapOf(objectSchema(inputShape)),
      queries: mapOf(objectSchema(queryShape)),
      elements: { type: 'array', items: element },
    }),
  }
}
