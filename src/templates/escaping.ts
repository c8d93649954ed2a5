import type { Escaping } from './field.ts'

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text between tags and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char)
}

/** Undoes `escapeHtml`, and changes nothing else. */
function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => signs.get(entity) ?? entity)
}

const signs = new Map(Object.entries(entities).map(([sign, entity]) => [entity, sign]))

/** Escaped text cannot form a mention or a link. Source: Slack, "Formatting text for app surfaces", escaping. */
export const htmlEscaping: Escaping = { escape: escapeHtml, unescape: unescapeHtml, lineBreak: '<br />\n' }
