/**
 * Replaces the characters that mail and chat cannot carry by U+FFFD: an unpaired surrogate cannot be encoded as UTF-8, and receivers
 * refuse or drop control characters. A webhook carries both as JSON escapes and does not need this.
 */
export function carriable(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\t\n\r]/gu, '\uFFFD')
}

/** The same message, with `carriable` applied to every string in it. */
export function carriableMessage<Message>(message: Message): Message
export function carriableMessage(message: unknown): unknown {
  if (typeof message === 'string') return carriable(message)
  if (Array.isArray(message)) return message.map((inner: unknown) => carriableMessage(inner))
  if (typeof message !== 'object' || message === null) return message
  return Object.fromEntries(Object.entries(message).map(([key, inner]) => [key, carriableMessage(inner)]))
}
