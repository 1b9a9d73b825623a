/** The `Authorization` of requests to one server. */
import { MillraceError, Secret } from '@millrace/core'
import type { Answer } from './answer.ts'
import type { Client, Limits, Request } from './connections.ts'
import { type Authorization, basic, revealed } from './login.ts'
import { granted } from './oauth2.ts'
import type { AuthOptions, SecretText } from './options.ts'

/** A client whose requests are authorized; without `auth` the client itself. */
export function authorized(client: Client, auth: AuthOptions | undefined, limits: Limits): Client {
  if (!auth) return client
  const authorization = auth.oauth2 ? granted(auth.oauth2, limits) : fixed(auth)
  const once = (request: Request, value: Secret): Promise<Answer> =>
    client.send({ ...request, headers: [...request.headers, 'authorization', value.reveal()] })
  return {
    async reach() {
      await authorization.value()
      await client.reach()
    },
    async send(request) {
      const value = await authorization.value()
      const answer = await once(request, value)
      return answer.status === 401 && authorization.renew(value) ? once(request, await authorization.value()) : answer
    },
    close(reason) {
      authorization.close(reason)
      client.close(reason)
    },
  }
}

function fixed({ basic: login, bearer }: AuthOptions): Authorization {
  const value = new Secret(
    login ? basic(login.username, revealed(login.password)) : `Bearer ${revealed(bearer as SecretText)}`,
  )
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value.reveal()))
    throw new MillraceError('bad_value', '`auth` has a character that a header cannot contain', {
      hint: 'check the secret for line breaks and invisible characters',
      exitCode: 2,
    })
  return { value: () => Promise.resolve(value), renew: () => false, close: () => {} }
}
