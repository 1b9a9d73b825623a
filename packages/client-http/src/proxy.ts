/** Which proxy requests go through: the configured one, or as the environment says. */

const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']

/** The address of a proxy; `environment`: the usual variables name one, for some hosts. */
export const proxyFor = (
  proxy: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | 'environment' | 'none' => proxy ?? (names.some((name) => env[name]) ? 'environment' : 'none')
