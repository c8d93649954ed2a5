import type { Moment } from './acknowledge.ts'
import { pageHeaders, renderPage } from './page.ts'

/** The content of the page on which a person allows their browser to decode payloads. */
export type CodecView =
  | { state: 'closed'; problem?: string }
  | {
      state: 'open'
      keyId: string
      until: Moment
      /** The codec endpoint to enter in Temporal's UI. */
      endpoint: string
    }

interface Shared {
  /** The page's path as a browser sees it. */
  base: string
  temporalUiUrl: string | undefined
}

export function renderCodec(view: CodecView & Shared): string {
  return renderPage('codec', view)
}

/** Forms must send their origin, but to our own host only. */
export const codecHeaders = { ...pageHeaders, 'Referrer-Policy': 'same-origin' }
