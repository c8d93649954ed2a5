import { escapeHtml } from './escaping.ts'

const cell = 'padding:4px 12px 4px 0;vertical-align:top;text-align:left;font-size:14px'

/** A mail as HTML. `parts` are HTML; empty ones are left out. */
export function page(title: string, parts: string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="font-family:system-ui,-apple-system,'Segoe UI',sans-serif;color:#111;max-width:640px;margin:0 auto;padding:16px">
<h1 style="font-size:20px;margin:0 0 16px">${escapeHtml(title)}</h1>
${parts.filter(Boolean).join('\n')}
</body></html>`
}

/** Names and values, one below the other. */
export function facts(rows: { path: string; value: string }[]): string {
  const lines = rows.map(
    ({ path, value }) =>
      `<tr><th scope="row" style="${cell};font-weight:600;color:#444">${escapeHtml(path)}</th>` +
      `<td style="${cell};word-break:break-word">${escapeHtml(value)}</td></tr>`,
  )
  return table(lines)
}

/** Rows of columns that have headings. */
export function columns(headings: string[], rows: string[][]): string {
  const head = headings.map((text) => `<th scope="col" style="${cell};color:#444">${escapeHtml(text)}</th>`)
  const lines = rows.map((row) => {
    const cells = row.map((text) => `<td style="${cell};word-break:break-word">${escapeHtml(text)}</td>`)
    return `<tr style="border-top:1px solid #ddd">${cells.join('')}</tr>`
  })
  return table([`<tr>${head.join('')}</tr>`, ...lines])
}

function table(lines: string[]): string {
  return `<table style="border-collapse:collapse">${lines.join('\n')}</table>`
}

/** A link that looks like a button, or nothing. */
export function button(text: string, url: string | undefined): string {
  if (url === undefined) return ''
  const style =
    'display:inline-block;padding:10px 18px;border-radius:6px;background:#1a56db;color:#fff;text-decoration:none;font-weight:600'
  return `<p style="margin:24px 0 8px"><a href="${escapeHtml(url)}" style="${style}">${escapeHtml(text)}</a></p>`
}

export function small(text: string): string {
  return `<p style="color:#777;font-size:12px">${escapeHtml(text)}</p>`
}
