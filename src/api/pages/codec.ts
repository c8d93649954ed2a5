import type { Moment } from './acknowledge.ts'
import { pageHeaders, renderPage } from './page.ts'

/** The page by which a browser may have payloads decoded. */
export type CodecView =
  | { state: 'closed'; problem?: string }
  | {
      state: 'open'
      keyId: string
      until: Moment
      /** What Temporal's UI is to be told. */
      endpoint: string
    }

interface Shared {
  /** The path that the page has in a browser. */
  base: string
  temporalUiUrl: string | undefined
}

export function renderCodec(view: CodecView & Shared): string {
  return renderPage('codec', view)
}

/** Its forms are to say where they come from, to ourselves alone. */
export const codecHeaders = { ...pageHeaders, 'Referrer-Policy': 'same-origin' }
