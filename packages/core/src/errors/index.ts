/** Errors, their catalogue, and suggestions for misspelt words. */
export * from './errors.ts'
export * from './catalogue.ts'
export * from './closest.ts'
export * from './hide.ts'
