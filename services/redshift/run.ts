/** Runs the stand-ins in this process: `run.ts FOLDER PORT GLUE-PORT POSTGRES-URL S3-URL`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase, database } from './database.ts'
import { glueFake } from './glue.ts'
import { redshiftProxy } from './proxy.ts'

const [, , , port, gluePort, postgres, s3] = process.argv
// The server behind it may still be starting.
for (let isThere = false; !isThere; )
  isThere = await createDatabase(postgres!).then(
    () => true,
    () => sleep(100).then(() => false),
  )
redshiftProxy(Number(port), { postgres: postgres!, s3: s3! })
glueFake(Number(gluePort), `postgres://test@127.0.0.1:${port}/${database}`)
