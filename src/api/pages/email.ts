import type { Moment } from './acknowledge.ts'
import { renderPage } from './page.ts'

/** The content of the page behind a link in an email, as a recipient sees it. */
export type EmailView =
  /** `problem` is set if the request did not come from our own form. */
  | { state: 'confirm'; mail: ShownMail; until: Moment; problem?: true }
  | { state: 'confirmed'; mail: ShownMail }
  | { state: 'expired'; mail: ShownMail }
  | { state: 'unsubscribe'; mail: ShownMail; problem?: true }
  /** `undo` is a link that reverts the change, for the person who has just pressed the button. */
  | { state: 'unsubscribed'; mail: ShownMail; undo?: string }
  /** No further mail is sent to the address. */
  | { state: 'gone' }
  | { state: 'unknown' }
  | { state: 'fault'; detail: string }

/** The mail's tenant, destination and recipient. */
export interface ShownMail {
  tenant: string
  destination: string
  environment: string
  address: string
}

export function renderEmailPage(view: EmailView): string {
  return renderPage('email', { ...view })
}
