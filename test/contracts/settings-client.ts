import { expect } from 'vitest'
import type { Api } from '../support/stack.ts'

/** The tenant settings of the KYC-Webhooks document, as its clients see them. */
export interface Settings {
  webhook_url: string | null
  webhook_secret: string | null
  notification_emails: string[]
  slack_webhook_url: string | null
  event_categories: string[] | null
}

/** What the native API shows of the destinations that the settings keep. */
export interface Destination {
  id: string
  channel: string
  status: string
  config: { url?: string; wireFormat?: string }
  subscription: { eventTypes: string[] }
  delivery: { schedule: string[]; timeoutMs: number }
}

export interface AuditEntry {
  id: string
  at: string
  action: string
  subject?: string
  keyId: string
  address?: string
}

export const nothing: Settings = {
  webhook_url: null,
  webhook_secret: null,
  notification_emails: [],
  slack_webhook_url: null,
  event_categories: null,
}

/** As the document prints a secret that ends in these four characters. */
export const masked = (secret: string) => '****************************a1b2'.replace('a1b2', secret.slice(-4))

export const read = async (api: Api) => (await api.get('/tenant/settings').expect(200)).body as Settings

export const change = async (api: Api, patch: object) =>
  (await api.patch('/tenant/settings', patch).expect(200)).body as Settings

export const reveal = async (api: Api) =>
  ((await api.post('/tenant/settings/reveal-secret').expect(200)).body as { webhook_secret: string })
    .webhook_secret

export const destinations = async (api: Api) =>
  ((await api.get('/destinations').expect(200)).body as { data: Destination[] }).data

/** The entries of the audit log about secrets that were shown. */
export const revealings = async (api: Api) =>
  ((await api.get('/audit?action=webhook-secret.revealed').expect(200)).body as { data: AuditEntry[] }).data

/** The fields that a refused change names; nothing may have changed by it. */
export async function refusedFields(api: Api, patch: object): Promise<string[]> {
  const before = [await read(api), await destinations(api)]
  const { body } = await api.patch('/tenant/settings', patch).expect(422)
  expect([await read(api), await destinations(api)]).toEqual(before)
  return (body as { errors: { path: string }[] }).errors.map(({ path }) => path)
}
