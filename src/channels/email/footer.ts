import type { EmailContent } from './message.ts'
import { escapeHtml } from '../../templates/escaping.ts'

/** Returns the headers that make mail programs show a one-click unsubscribe button (RFC 2369, RFC 8058). */
export function unsubscribeHeaders(url: string | undefined): Record<string, string> {
  if (url === undefined) return {}
  return { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
}

/** Adds the unsubscribe link to the end of a mail. */
export function withFooter(content: EmailContent, url: string | undefined): EmailContent {
  if (url === undefined) return content
  const { text, html } = content
  return {
    ...content,
    text: `${text.trimEnd()}\n\nUnsubscribe: ${url}\n`,
    ...(html !== undefined && { html: atEndOfBody(html, footer(url)) }),
  }
}

function footer(url: string): string {
  return `<p style="color:#777;font-size:12px"><a href="${escapeHtml(url)}" style="color:#777">Unsubscribe</a></p>`
}

/** The end of the HTML if it has no body, because a template's HTML may be a fragment. */
function atEndOfBody(html: string, part: string): string {
  const end = [...html.matchAll(/<\/body\s*>/gi)].at(-1)?.index
  return end === undefined ? `${html}\n${part}` : `${html.slice(0, end)}${part}\n${html.slice(end)}`
}
