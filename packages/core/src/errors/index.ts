/** Errors, their catalogue, and what was probably meant. */
export * from './errors.ts'
export * from './catalogue.ts'
export * from './closest.ts'
