import type { Escaping } from '../../templates/field.ts'

/** Escapes text so that it forms no mention or link in mrkdwn. Source: Slack, "Formatting text for app surfaces", escaping. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Restores text for parts of a message in which Slack reads no markup and would show the entities. */
export function unescapeMrkdwn(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

export const mrkdwnEscaping: Escaping = { escape: escapeMrkdwn, unescape: unescapeMrkdwn, lineBreak: '\n' }
