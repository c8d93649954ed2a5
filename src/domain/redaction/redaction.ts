/** Replaces a secret. */
export const redacted = '[redacted]'

const minSecretLength = 4

/** Removes every occurrence of the given secrets from a text from elsewhere: a response may echo the request. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secretRemover(secrets)(text)
}

/**
 * The same for many texts. Longest secrets first, because one may be part of another. A secret that is cut off at the end of the
 * text is removed as well.
 */
export function secretRemover(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets.flatMap(spellings))].filter((secret) => secret.length >= minSecretLength)
  known.sort((a, b) => b.length - a.length)
  return (text) => {
    const clean = known.reduce((rest, secret) => rest.replaceAll(secret, redacted), text)
    const cut = Math.max(0, ...known.map((secret) => overlap(clean, secret)))
    return cut < minSecretLength ? clean : clean.slice(0, -cut) + redacted
  }
}

/** A secret as it is, inside JSON, inside a URL, and in base64 as SMTP sends passwords. */
function spellings(secret: string): string[] {
  const text = Buffer.from(secret.trim()).toString() // well-formed, or encodeURIComponent would throw
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    Buffer.from(text).toString('base64'),
  ]
}

/** The length of the secret's prefix at the end of the text. */
function overlap(text: string, secret: string): number {
  if (!text.includes(secret.slice(0, minSecretLength))) return 0
  let length = Math.min(text.length, secret.length - 1)
  while (length >= minSecretLength && !text.endsWith(secret.slice(0, length))) length--
  return length
}

/** `…wxyz`: enough to recognise a secret by, not enough to use it. */
export function maskText(secret: string): string {
  return `****${secret.length >= 12 ? secret.slice(-4) : ''}`
}

/** True if a text was made by `maskText` or `maskToLastFour`, as it is or as a diff shows it. */
export function isMask(text: string): boolean {
  return /^(?:\*{4}|\*{28}).{0,4}(?: \(changed\))?$/s.test(text)
}

/** Twenty-eight asterisks and the last four characters: how the KYC-Webhooks document shows a secret. */
export function maskToLastFour(secret: string): string {
  return '*'.repeat(28) + secret.slice(-4)
}

const maxHeaders = 40
const maxHeaderLength = 256

/**
 * A request's headers as the log keeps them, within limits: longer values end in `…`. `secret` are the tenant's own headers,
 * whose values are masked. Ours come first and win if both have the same name.
 */
export function headersForLog(
  ours: Record<string, string>,
  secret: Record<string, string> = {},
): Record<string, string> {
  const theirs = Object.entries(secret).filter(([name]) => !Object.hasOwn(ours, name))
  const entries = [
    ...Object.entries(ours),
    ...theirs.map(([name, value]) => [name, maskText(value)] as const),
  ]
  return Object.fromEntries(entries.slice(0, maxHeaders).map(([name, value]) => [name, cut(value)]))
}

function cut(value: string): string {
  return value.length <= maxHeaderLength ? value : `${value.slice(0, maxHeaderLength)}…`
}
