/**
 * The consent of an email destination's recipient: asked and not answered yet; confirmed by the recipient; vouched for by the
 * platform; unsubscribed.
 */
export const recipientStatuses = ['asked', 'confirmed', 'vouched', 'unsubscribed'] as const
export type RecipientStatus = (typeof recipientStatuses)[number]

export interface Consent {
  address: string
  status: RecipientStatus
}

/** Compares addresses case-insensitively, as all major mail servers do. */
export function addressKey(address: string): string {
  return address.toLowerCase()
}

/** Each address once, in its first spelling. */
export function distinctAddresses(addresses: readonly string[]): string[] {
  return [
    ...new Map([...addresses].reverse().map((address) => [addressKey(address), address])).values(),
  ].reverse()
}

/** True if the recipient may be sent mail. */
export function mayBeMailed({ status }: Consent): boolean {
  return status === 'confirmed' || status === 'vouched'
}

/** Names the recipients who are left out and why, or returns `undefined` if none are. */
export function whyLeftOut(consents: readonly Consent[]): string | undefined {
  const parts = [
    reason(consents, 'asked', 'has not confirmed yet', 'have not confirmed yet'),
    reason(consents, 'unsubscribed', 'has unsubscribed', 'have unsubscribed'),
  ].filter((part) => part !== undefined)
  return parts.length > 0 ? parts.join('; ') : undefined
}

/** The same without addresses, for callers who may not see them. */
export function countLeftOut(consents: readonly Consent[]): string | undefined {
  const count = (wanted: RecipientStatus) => consents.filter(({ status }) => status === wanted).length
  const recipients = (number: number) => (number === 1 ? '1 recipient has' : `${number} recipients have`)
  const [asked, unsubscribed] = [count('asked'), count('unsubscribed')]
  const parts = [
    ...(asked > 0 ? [`${recipients(asked)} not confirmed yet`] : []),
    ...(unsubscribed > 0 ? [`${recipients(unsubscribed)} unsubscribed`] : []),
  ]
  return parts.length > 0 ? parts.join('; ') : undefined
}

/** The reason if no recipient may be mailed. */
export function noRecipientConfirmed(leftOut: string | undefined): string {
  return `no recipient has confirmed: ${leftOut}`
}

function reason(consents: readonly Consent[], wanted: RecipientStatus, one: string, many: string) {
  const addresses = consents.filter(({ status }) => status === wanted).map(({ address }) => address)
  if (addresses.length === 0) return undefined
  return `${formatAddresses(addresses)} ${addresses.length === 1 ? one : many}`
}

const maxNamedAddresses = 5

/** The first few addresses, and how many more there are. */
export function formatAddresses(addresses: readonly string[]): string {
  const named = addresses.slice(0, maxNamedAddresses).join(', ')
  return addresses.length > maxNamedAddresses
    ? `${named} and ${addresses.length - maxNamedAddresses} more`
    : named
}
