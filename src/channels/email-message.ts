import { titleOf, type Event } from '../domain/event.ts'
import { payloadFields } from '../domain/payload-fields.ts'

const mostFields = 200

/**
 * Subject, text and HTML of an event. The Message-ID is derived from event and destination, so that a mail sent twice is
 * the same mail to whoever receives it.
 */
export function renderEmail(event: Event, destination: { id: string; name: string }) {
  const { fields, more } = payloadFields(event.data, mostFields)
  const title = titleOf(event)
  const rest = more > 0 ? `Fields not shown here: ${more}. The event has them.` : ''
  const facts = [
    { path: 'Event', value: event.type },
    { path: 'Event id', value: event.id },
    { path: 'Received', value: `${event.createdAt.slice(0, 19).replace('T', ' ')} UTC` },
    { path: 'Environment', value: event.environment },
  ]
  const width = Math.max(0, ...fields.map(({ path }) => path.length))
  return {
    subject: `${title}: ${event.id}`,
    messageId: `<${encodeURIComponent(event.id)}.${destination.id}@switchyard>`,
    headers: {
      'X-Switchyard-Event-Id': event.id,
      'X-Switchyard-Event-Type': event.type,
      'Auto-Submitted': 'auto-generated',
    },
    text: [
      title,
      '',
      ...fields.map(({ path, value }) => `${path.padEnd(width)}  ${value}`),
      ...(rest ? ['', rest] : []),
      '',
      ...facts.map(({ path, value }) => `${path}: ${value}`),
      `Sent by Switchyard to "${destination.name}".`,
    ].join('\n'),
    html: page(title, [
      table(fields),
      rest && `<p>${escape(rest)}</p>`,
      `<h2 style="font-size:14px;color:#555;margin:24px 0 4px">About this event</h2>`,
      table(facts),
      `<p style="color:#777;font-size:12px">Sent by Switchyard to “${escape(destination.name)}”.</p>`,
    ]),
  }
}

function page(title: string, parts: string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body style="font-family:system-ui,-apple-system,'Segoe UI',sans-serif;color:#111;max-width:640px;margin:0 auto;padding:16px">
<h1 style="font-size:20px;margin:0 0 16px">${escape(title)}</h1>
${parts.filter(Boolean).join('\n')}
</body></html>`
}

function table(rows: { path: string; value: string }[]): string {
  const cell = 'padding:4px 12px 4px 0;vertical-align:top;text-align:left;font-size:14px'
  const lines = rows.map(
    ({ path, value }) =>
      `<tr><th scope="row" style="${cell};font-weight:600;color:#444">${escape(path)}</th>` +
      `<td style="${cell};word-break:break-word">${escape(value)}</td></tr>`,
  )
  return `<table style="border-collapse:collapse">${lines.join('\n')}</table>`
}

function escape(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char)
}
