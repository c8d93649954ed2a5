/** What stands where a secret was. */
export const redacted = '[redacted]'

/** Takes every occurrence of the given secrets out of a text that somebody else wrote: an answer may echo a request. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .reduce((clean, secret) => clean.replaceAll(secret, redacted), text)
}

/** `…wxyz`: enough to recognise a secret by, not enough to use it. */
export function maskText(secret: string): string {
  return `****${secret.length >= 12 ? secret.slice(-4) : ''}`
}
