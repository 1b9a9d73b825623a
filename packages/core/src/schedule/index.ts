/** When scheduled pipelines are due. */
export { checkCron, type Cron, cron } from './cron.ts'
