import { convert, type HtmlToTextOptions } from 'html-to-text'
import { withinDeadline } from '../../templates/deadline.ts'

/** Time limit for converting HTML. An ordinary mail takes a few milliseconds. */
const convertMs = 250

const options: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxDepth: 100, maxChildNodes: 20_000, ellipsis: '…' },
  selectors: [
    ...['img', '[hidden]', '[style*="display:none"]', '[style*="display: none"]'].map((selector) => ({
      selector,
      format: 'skip',
    })),
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    ...['h1', 'h2', 'h3'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
}

/**
 * Returns the text of a template's HTML, for mail programs that show plain text. Undefined if it has none, or conversion takes too
 * long.
 */
export function textFromHtml(html: string): string | undefined {
  try {
    const text = withinDeadline(convertMs, () => convert(html, options))
    return /[\p{L}\p{N}]/u.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
