import { channels } from './channels/index.ts'
import { redacted } from './domain/redaction/redaction.ts'

/** Patterns of secrets anywhere in a line, with the part to keep. All run in linear time. */
const patterns: readonly [pattern: RegExp, instead: string][] = [
  // Our own keys and secrets, by their beginnings.
  [/\b(sk_(?:live|test|platform)_|whsec_|whsk_|apisec_)[\w+/=-]{4,}/g, `$1${redacted}`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${redacted}`],
  // Members of an object, by their names; the value is a JSON text.
  [
    /("[\w-]{0,40}(?:authorization|cookie|api[_-]?key|token|secret|password|passwd)[\w-]{0,40}":)"(?:[^"\\]|\\.)*"/gi,
    `$1"${redacted}"`,
  ],
  // In URLs: credentials, keys in the query, and links that are credentials themselves.
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'\\]{1,512}@/gi, `$1${redacted}@`],
  [/([?&](?:api_key|key|token|secret|signature|sig)=)[^&\s"'\\]{1,2048}/gi, `$1${redacted}`],
  [/(\/(?:acknowledge|unsubscribe|confirm(?:ation)?|recipients?)\/)[\w.~%-]{24,2048}/g, `$1${redacted}`],
]

/** The URLs of channels that are a secret as a whole: what follows their host. */
const channelUrls = channels.flatMap(({ hosts }) =>
  (hosts?.allowed ?? []).map((host): (typeof patterns)[number] => {
    const ending = host.replace(/^\*/, '').replaceAll('.', '\\.')
    return [new RegExp(`(${ending}(?::\\d{1,5})?/)[^\\s"'\\\\]{1,2048}`, 'gi'), `$1${redacted}`]
  }),
)

/**
 * Redacts secrets in log lines and start-up errors, as the last step, because libraries may put them into messages. `secrets` are
 * this process's own.
 */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  const known = [...new Set(secrets.filter(({ length }) => length >= 8).flatMap(spellings))]
  known.sort((a, b) => b.length - a.length)
  return (text) => {
    const clean = known.reduce((rest, secret) => rest.replaceAll(secret, redacted), text)
    return [...patterns, ...channelUrls].reduce(
      (rest, [pattern, instead]) => rest.replace(pattern, instead),
      clean,
    )
  }
}

function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]
}
