/** What every stand-in for a service of AWS is asked with. None of them checks it. */
export const standInEnv = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
