import supertest from 'supertest'
import type { ParsedMail } from 'mailparser'
import type { SmtpReceiver } from '../servers/smtp-receiver.ts'
import { adminKey, eventually, makeTenant, publicUrl, type Api, type Stack } from '../stack.ts'

interface ShownRecipient {
  address: string
  status: 'asked' | 'confirmed' | 'vouched' | 'unsubscribed'
  statusAt: string
  askedAt?: string
}

/** A call with the platform key. */
export const platform = ({ app }: Pick<Stack, 'app'>) => {
  const agent = supertest.agent(app).auth(adminKey, { type: 'bearer' })
  return {
    patch: (path: string, body: object) => agent.patch(`/api/v1${path}`).send(body),
    post: (path: string, body: object = {}) => agent.post(`/api/v1${path}`).send(body),
  }
}

/** A tenant whose recipients have to confirm. */
export async function tenantWhoAsks(stack: Stack, limits: object = {}) {
  const tenant = await makeTenant(stack)
  await platform(stack).patch(`/tenants/${tenant.id}`, { emailConsent: 'confirm', limits }).expect(200)
  return tenant
}

export interface Inbox {
  id: string
  recipients: ShownRecipient[]
}

/** An email destination, by the platform's server unless its config says otherwise. */
export async function inboxOf(
  api: Api,
  to: string[],
  config: object = {},
  more: object = {},
): Promise<Inbox> {
  const subscription = { eventTypes: ['aml.*'] }
  const body = { name: 'On call', channel: 'email', config: { to, ...config }, subscription, ...more }
  return (await api.post('/destinations', body).expect(201)).body as Inbox
}

export async function recipientsOf(api: Api, id: string): Promise<Record<string, string>> {
  const { recipients } = (await api.get(`/destinations/${id}`).expect(200)).body as Inbox
  return Object.fromEntries(recipients.map(({ address, status }) => [address, status]))
}

/** Mails that were handed in for an address, however it is spelt. */
export function mailsSoFar({ mails, envelopes }: SmtpReceiver, address: string): ParsedMail[] {
  const isFor = (to: readonly string[] = []) => to.some((one) => one.toLowerCase() === address.toLowerCase())
  return mails.filter((_mail, index) => isFor(envelopes[index]?.to))
}

/** Likewise, once there are so many. */
export function mailsFor(receiver: SmtpReceiver, address: string, atLeast = 1): Promise<ParsedMail[]> {
  return eventually(
    () => Promise.resolve(mailsSoFar(receiver, address)),
    ({ length }) => length >= atLeast,
  )
}

/** The path of the link of this kind that a mail holds. */
export function linkIn(mail: ParsedMail | undefined, kind: 'confirm' | 'unsubscribe'): string {
  const [link = ''] =
    new RegExp(`https://switchyard\\.test/email/${kind}/[A-Za-z0-9._-]+`).exec(mail?.text ?? '') ?? []
  return link.slice(publicUrl.length)
}

/** What a browser sends when the page's button is pressed. */
export function pressed({ app }: Pick<Stack, 'app'>, path: string, fields: object) {
  return supertest(app).post(path).type('form').send(fields)
}
