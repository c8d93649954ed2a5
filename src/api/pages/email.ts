import type { Moment } from './acknowledge.ts'
import { renderPage } from './page.ts'

/** What the page behind a link in a mail shows to one of its recipients. */
export type EmailView =
  /** `problem`: what was sent came from no form of ours. */
  | { state: 'confirm'; mail: ShownMail; until: Moment; problem?: true }
  | { state: 'confirmed'; mail: ShownMail }
  | { state: 'expired'; mail: ShownMail }
  | { state: 'unsubscribe'; mail: ShownMail; problem?: true }
  /** `undo` is the link that takes it back, for who has just pressed the button. */
  | { state: 'unsubscribed'; mail: ShownMail; undo?: string }
  /** Nothing is sent to the address any more. */
  | { state: 'gone' }
  | { state: 'unknown' }
  | { state: 'fault'; detail: string }

/** Whose mail it is, and to whom. */
export interface ShownMail {
  tenant: string
  destination: string
  environment: string
  address: string
}

export function renderEmailPage(view: EmailView): string {
  return renderPage('email', { ...view })
}
