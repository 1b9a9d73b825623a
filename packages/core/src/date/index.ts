/** Dates as text. */
export * from './date.ts'
export { isInstant } from './calendar.ts'
export { checkDateFormat } from './pattern.ts'
export { checkZone, type Fold, type Zone, zone } from './zone.ts'
