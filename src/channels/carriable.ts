/**
 * A text as mail and chat can carry it. Half of a surrogate pair has no form in UTF-8, and control characters are refused by
 * the receiver or dropped on the way: each becomes U+FFFD. A webhook carries them as JSON's escapes and needs none of this.
 */
function carriable(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\t\n\r]/gu, '\uFFFD')
}

/** The same message, with every text in it carriable. */
export function carriableMessage<Message>(message: Message): Message
export function carriableMessage(message: unknown): unknown {
  if (typeof message === 'string') return carriable(message)
  if (Array.isArray(message)) return message.map((inner: unknown) => carriableMessage(inner))
  if (typeof message !== 'object' || message === null) return message
  return Object.fromEntries(Object.entries(message).map(([key, inner]) => [key, carriableMessage(inner)]))
}
