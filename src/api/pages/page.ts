import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Liquid } from 'liquidjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const style = readFileSync(`${folder}page.css`, 'utf8')

/** Escapes all inserted values except the style, which is our own. */
const liquid = new Liquid({ root: folder, extname: '.liquid', outputEscape: 'escape', cache: true })

export function renderPage(template: string, view: object): string {
  return liquid.renderFileSync(template, { ...view, style }) as string
}

const styleHash = createHash('sha256').update(style).digest('base64')

/** The pages run no scripts, load nothing from elsewhere and must not be framed, cached or indexed. They send no referrer. */
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
