/** Mails that the platform's server sends for a tenant in an hour, one for each recipient, unless its limits say otherwise. */
export const defaultEmailsPerHour = 1000

/** Requests to confirm that one mailbox gets in a day: from one tenant's environment, and from all tenants together. */
export const confirmationsPerDay = { byTenant: 10, inAll: 20 }

/** Recipients of a tenant's environment who have not answered, of one mailbox and over all destinations. */
export const maxUnanswered = 50

export function confirmationLimitText(perDay: number): string {
  return `a mailbox gets at most ${perDay} confirmation requests a day`
}
