/** The default number of mails per tenant and hour through the platform's server, counted per recipient. */
export const defaultEmailsPerHour = 1000

/** Confirmation requests per mailbox and day: from one tenant's environment, and from all tenants. */
export const confirmationsPerDay = { byTenant: 10, inAll: 20 }

/** The maximum number of recipients with the same mailbox in a tenant's environment that have not answered. */
export const maxUnanswered = 50

export function confirmationLimitText(perDay: number): string {
  return `a mailbox gets at most ${perDay} confirmation requests a day`
}
