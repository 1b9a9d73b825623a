/** Pages: what users see of what pipelines wrote. Read from `pages/*.yaml`, checked like specs, answered as JSON. */
export * from './page.ts'
export { answerPage, cellOf, type PageContext } from './answer.ts'
export { checkPages, type PageFile } from './check.ts'
export type { PagesContext } from './reading.ts'
export * from './collection.ts'
export { pageJsonSchema } from './json-schema.ts'
export { pageFiles, readPageFiles } from './read.ts'
