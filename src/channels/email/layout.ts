import { escapeHtml } from '../../templates/escaping.ts'
import type { Fact } from '../message-facts.ts'

const cell = 'padding:4px 12px 4px 0;vertical-align:top;text-align:left;font-size:14px;overflow-wrap:anywhere'

/** Returns a mail as HTML. `parts` are HTML; empty ones are left out. Inboxes show `preheader` beside the subject. */
export function page(title: string, parts: string[], preheader = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title></head>
<body style="font-family:system-ui,-apple-system,'Segoe UI',sans-serif;color:#111;line-height:1.4;max-width:640px;margin:0 auto;padding:16px">
${[hidden(preheader), heading(title), ...parts].filter(Boolean).join('\n')}
</body></html>`
}

function heading(title: string): string {
  return `<h1 style="font-size:20px;line-height:1.3;margin:0 0 16px;overflow-wrap:anywhere">${escapeHtml(title)}</h1>`
}

/** The invisible spaces keep the rest of the mail out of the inbox's preview. */
function hidden(text: string): string {
  if (text === '') return ''
  const style = 'display:none;max-height:0;max-width:0;overflow:hidden;opacity:0'
  return `<div style="${style}">${escapeHtml(text)}${'&#8199;&#65279;&#847; '.repeat(40)}</div>`
}

/** Returns a highlighted line for the top of a mail. */
export function notice(text: string): string {
  if (text === '') return ''
  const style =
    'margin:0 0 16px;padding:8px 12px;border-left:4px solid #b45309;background:#fef3c7;font-size:14px'
  return `<p style="${style};overflow-wrap:anywhere">${escapeHtml(text)}</p>`
}

export function subheading(text: string): string {
  return `<h2 style="font-size:14px;color:#555;margin:24px 0 4px">${escapeHtml(text)}</h2>`
}

/** Returns a table of names and values, one pair per row. */
export function facts(rows: Fact[]): string {
  const lines = rows.map(
    ({ path, value }) =>
      `<tr><th scope="row" style="${cell};width:35%;font-weight:600;color:#444">${breakable(path)}</th>` +
      `<td style="${cell}">${escapeHtml(value)}</td></tr>`,
  )
  return table(lines)
}

/** Allows a path to break between its names, but not inside a name. */
function breakable(path: string): string {
  return escapeHtml(path).replace(/[._](?=.)/g, '$&<wbr>')
}

/** Returns a table with column headings. A cell is a list of lines. */
export function columns(headings: string[], rows: string[][][]): string {
  const head = headings.map((text) => `<th scope="col" style="${cell};color:#444">${escapeHtml(text)}</th>`)
  const lines = rows.map((row) => {
    const cells = row.map((texts) => `<td style="${cell}">${texts.map(escapeHtml).join('<br>')}</td>`)
    return `<tr style="border-top:1px solid #ddd">${cells.join('')}</tr>`
  })
  return table([`<tr>${head.join('')}</tr>`, ...lines])
}

function table(lines: string[]): string {
  if (lines.length === 0) return ''
  return `<table style="border-collapse:collapse;table-layout:fixed;width:100%">${lines.join('\n')}</table>`
}

/** Returns a link that looks like a button, with a note beside it; empty without a URL. */
export function button(text: string, url: string | undefined, note = ''): string {
  if (url === undefined) return ''
  const style =
    'display:inline-block;margin-right:12px;padding:10px 18px;border-radius:6px;background:#1a56db;color:#fff;text-decoration:none;font-weight:600'
  const beside =
    note &&
    ` <span style="display:inline-block;margin:4px 0;font-size:14px;color:#444">${escapeHtml(note)}</span>`
  return `<p style="margin:0 0 16px"><a href="${escapeHtml(url)}" style="${style}">${escapeHtml(text)}</a>${beside}</p>`
}

export function small(text: string): string {
  return `<p style="color:#666;font-size:12px;overflow-wrap:anywhere">${escapeHtml(text)}</p>`
}
