import type { Config } from './config.ts'

/** All secret values of the configuration, which must not appear in any log. */
export function listSecrets(config: Config): string[] {
  const keys = [...(config.SECRET_KEYS ?? []), ...(config.PAYLOAD_KEYS ?? [])]
  const given = [
    config.ADMIN_API_KEY,
    config.TEMPORAL_API_KEY,
    config.ARCHIVE_S3_SECRET_ACCESS_KEY,
    ...[config.DATABASE_URL, config.MIGRATE_DATABASE_URL, config.SMTP_URL].flatMap(urlPasswords),
    ...keys.map(({ key }) => key.toString('base64')),
  ]
  return given.filter((secret) => secret !== undefined)
}

/** A URL's password, percent-encoded and decoded. */
function urlPasswords(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return []
  const { password } = new URL(url)
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password] // An invalid percent-encoding is used as it is.
  }
}
