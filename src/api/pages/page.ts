import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Liquid } from 'liquidjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const style = readFileSync(`${folder}page.css`, 'utf8')

/** Escapes whatever it puts in: only the style is ours. */
const liquid = new Liquid({ root: folder, extname: '.liquid', outputEscape: 'escape', cache: true })

/** A page by the name of its template. */
export function renderPage(template: string, view: object): string {
  return liquid.renderFileSync(template, { ...view, style }) as string
}

const styleHash = createHash('sha256').update(style).digest('base64')

/** No script, nothing from elsewhere, in nobody's frame, kept by nobody; and the link is told to nobody. */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
}
