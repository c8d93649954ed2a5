/** Names of headers that carry credentials, whatever their value looks like. */
const secretName =
  /auth|token|secret|passw|passphrase|pwd|cookie|credential|session|signature|bearer|jwt|key([-_]|$)|(^|[-_])(pass|pin|otp|sig|sid|code)([-_]|$)/i

const word = '(?:[A-Z]?[a-z]{1,16}|[A-Z]{1,16})'
const version = 'v?\\d{1,3}(?:\\.\\d{1,3}){0,2}'

/** `true`, `production`, `case-system`, `application/json`, `eu-west-1`, `v2.1`, `2026`. */
const ordinaryValue = new RegExp(
  `^(?:${word}(?:[-_./ ]${word}){0,3}(?:[-_./ ]${version})?|${version}|\\d{1,4})$`,
)

/**
 * True if the value of a tenant's own header must be removed from responses. A plain word in a header whose name does not sound
 * like a credential is kept, because it would be removed from unrelated sentences.
 */
export function isSecretHeader(name: string, value: string): boolean {
  return secretName.test(name) || !ordinaryValue.test(value.trim())
}
