/** The JSON Schema of test files, for completion in editors. `pipe test` checks more than a schema can express. */
import { mapOf, objectSchema } from '../spec/json-schema.ts'
import { caseShape, errorShape, givenShape, testFileShape } from './shape.ts'

/** For `pipe schema print --tests`. */
export function testJsonSchema(): Readonly<Record<string, unknown>> {
  const record = { type: 'object' }
  const values = mapOf({ type: ['string', 'number', 'boolean'] })
  const given = { anyOf: [objectSchema(givenShape, { record, context: {} }), record] }
  const expected = { anyOf: [{ type: 'array', items: record }, objectSchema(errorShape)] }
  const one = objectSchema(caseShape, { given: mapOf({ type: 'array', items: given }), expect: mapOf(expected) })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace tests',
    ...objectSchema(testFileShape, { vars: values, env: values, tests: { type: 'array', items: one } }),
  }
}
