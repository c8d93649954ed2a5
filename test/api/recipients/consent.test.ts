import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { createEmailLinks, confirmWithinMs } from '../../../src/domain/email/link.ts'
import {
  inboxOf,
  linkIn,
  mailsFor,
  mailsSoFar,
  platform,
  pressed,
  recipientsOf,
  tenantWhoAsks,
  type Inbox,
} from '../../support/resources/email-consent.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import {
  eventually,
  listedEvents,
  makeTenant,
  ofFile,
  publicUrl,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  type Api,
} from '../../support/stack.ts'

const secretKeys = [{ id: 'test', key: Buffer.alloc(32, 7) }]
const smtp = ofFile(() => startSmtpReceiver())
const stack = ofFile(async () => {
  const mail = { smtpUrl: `smtp://127.0.0.1:${smtp.port}`, from: 'Switchyard <switchyard@platform.example>' }
  return startStack({ mail, secretKeys })
})
const links = createEmailLinks(publicUrl, secretKeys)

let people = 0
/** Somebody who has got no mail yet. */
const somebody = () => `Person.${++people}@acme.example`
const key = (address: string) => address.toLowerCase()

const get = (path: string) => supertest(stack.app).get(path)
const confirm = (path: string) => pressed(stack, path, { confirm: 'yes' })
const unsubscribe = (path: string) => pressed(stack, path, { unsubscribe: 'yes' })

async function postEvent(api: Api): Promise<string> {
  const { body } = await api
    .post('/events', { type: 'aml.match.found', data: { name: 'Jane Roe' } })
    .expect(202)
  return (body as { id: string }).id
}

/** A recipient who has confirmed, and the mail that asked. */
async function confirmed(api: Api, more: object = {}) {
  const address = somebody()
  const inbox = await inboxOf(api, [address], {}, more)
  const [mail] = await mailsFor(smtp, address)
  const path = linkIn(mail, 'confirm')
  await confirm(path).expect(200)
  return { address, id: inbox.id, mail, path }
}

interface AuditEntry {
  action: string
  keyId: string
  subject: string
  before?: object
  after?: object
}
const auditOf = async (api: Api, action: string) =>
  ((await api.get('/audit').expect(200)).body as { data: AuditEntry[] }).data.filter(
    (entry) => entry.action === action,
  )

describe('a recipient who has not confirmed', () => {
  it('gets one mail, which asks and tells nothing; events are recorded skips, and a replay of the missed brings them', async () => {
    const { api } = await tenantWhoAsks(stack)
    const [ann, bob] = [somebody(), somebody()]
    const { id, recipients } = await inboxOf(api, [ann, bob])
    expect(recipients.map(({ address, status, askedAt }) => [address, status, typeof askedAt])).toEqual([
      [key(ann), 'asked', 'string'],
      [key(bob), 'asked', 'string'],
    ])
    const [asked] = await mailsFor(smtp, ann)
    expect(asked).toMatchObject({ subject: 'Confirm email notifications from Acme (sandbox)' })
    expect(asked?.text).toContain(
      `Acme would like to send messages about events in its systems (“On call”) to ${key(ann)}.`,
    )

    const eventId = await postEvent(api)
    const log = await settledLog(api, eventId)
    expect(log.deliveries).toMatchObject([
      {
        destinationId: id,
        status: 'skipped',
        reason: `no recipient has confirmed: ${ann}, ${bob} have not confirmed yet`,
        missed: true,
        attempts: [],
      },
    ])
    await confirm(linkIn(asked, 'confirm')).expect(200)
    const from = new Date(Date.now() - 3600_000).toISOString()
    const to = new Date(Date.now() + 1000).toISOString()
    await listedEvents(api, `destination=${id}`)
    await api.post('/replays', { from, to, status: 'missed', destination: id }).expect(202)
    const [, alert] = await mailsFor(smtp, ann, 2)
    expect(alert?.text).toContain('Jane Roe')
    expect(await mailsFor(smtp, bob)).toHaveLength(1)
    for (const { text } of await mailsFor(smtp, bob)) expect(text).not.toContain('Jane')
  })

  it('is left out while others get it, and the log says who', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id, address } = await confirmed(api)
    const late = somebody()
    await api.patch(`/destinations/${id}`, { config: { to: [address, late] } }).expect(200)
    const [delivery] = (await settledLog(api, await postEvent(api))).deliveries
    expect(delivery).toMatchObject({
      status: 'delivered',
      attempts: [
        {
          responseExcerpt: expect.stringContaining(
            `not sent to all recipients: ${late} has not confirmed yet`,
          ) as string,
        },
      ],
    })
    const [, alert] = mailsSoFar(smtp, address)
    expect([alert?.to].flat()[0]?.text).toBe(address)
  })

  it('gets no test either: its answer says why', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id } = await inboxOf(api, [somebody()])
    const { body } = await api.post(`/destinations/${id}/test`).expect(200)
    expect(body).toMatchObject({
      delivery: { status: 'skipped', reason: expect.stringContaining('has not confirmed yet') as string },
    })
  })

  it('is asked by the platform’s server, also where the tenant’s own sends the rest; while it is paused, too', async () => {
    const { api } = await tenantWhoAsks(stack)
    const own = untilTestEnds(await startSmtpReceiver())
    const config = { from: 'alerts@tenant.example', smtpUrl: `smtp://127.0.0.1:${own.port}` }
    const address = somebody()
    const { id } = await inboxOf(api, [address], config, { status: 'paused' })
    const [asked] = await mailsFor(smtp, address)
    expect(asked?.from?.text).toBe('"Switchyard" <switchyard@platform.example>')
    await confirm(linkIn(asked, 'confirm')).expect(200)
    await api.post(`/destinations/${id}/resume`).expect(200)
    await settledLog(api, await postEvent(api))
    expect(own.envelopes).toEqual([{ from: 'alerts@tenant.example', to: [address] }])
  })
})

describe('the link that confirms', () => {
  it('shows who asks, changes nothing when it is opened, and confirms when the button is pressed: that is audited', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const { id } = await inboxOf(api, [address])
    const [mail] = await mailsFor(smtp, address)
    const path = linkIn(mail, 'confirm')
    for (const ask of [get(path), supertest(stack.app).head(path)]) await ask.expect(200)
    for (const wrong of [{}, { confirm: 'no' }, { 'List-Unsubscribe': 'One-Click' }])
      await pressed(stack, path, wrong).expect(422)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'asked' })
    const { text } = await get(path)
    for (const shown of ['Acme', 'On call', key(address), 'sandbox']) expect(text).toContain(shown)
    expect((await confirm(path).expect(200)).text).toContain('Email address confirmed')
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'confirmed' })
    expect(await auditOf(api, 'email-recipient.confirmed')).toMatchObject([
      {
        keyId: 'email-link',
        subject: id,
        before: { address: key(address), status: 'asked' },
        after: { address: key(address), status: 'confirmed' },
      },
    ])
    // Pressed again it says so, and there is no second entry.
    expect((await confirm(path).expect(200)).text).toContain('Email address confirmed')
    expect(await auditOf(api, 'email-recipient.confirmed')).toHaveLength(1)
  })

  it('has a page without scripts, kept and framed by nobody, that tells nobody its address', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { path } = await confirmed(api)
    for (const answer of [
      await get(path),
      await get('/email/confirm/1.x'),
      await get('/email/unsubscribe/1.x'),
    ]) {
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex, nofollow',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
        ) as string,
      })
      expect(answer.text).not.toMatch(/<script|\son\w+=|javascript:/i)
    }
  })

  it('410 once it has expired, or the address was taken out and put back: that has to confirm again', async () => {
    const { api } = await tenantWhoAsks(stack)
    const [address, other] = [somebody(), somebody()]
    const { id, recipients } = await inboxOf(api, [address])
    const since = Date.parse(recipients[0]?.statusAt ?? '')
    const ref = { destinationId: id, address: key(address), since }
    const expired = links.confirm({ ...ref, expiresAt: Date.now() - 1 }).slice(publicUrl.length)
    for (const answer of [await get(expired).expect(410), await confirm(expired).expect(410)])
      expect(answer.text).toContain('This link has expired')
    const path = linkIn((await mailsFor(smtp, address))[0], 'confirm')
    await api.patch(`/destinations/${id}`, { config: { to: [other] } }).expect(200)
    expect((await confirm(path).expect(200)).text).toContain('No longer subscribed')
    await api.patch(`/destinations/${id}`, { config: { to: [other, address] } }).expect(200)
    await confirm(path).expect(410)
    expect(await recipientsOf(api, id)).toEqual({ [key(other)]: 'asked', [key(address)]: 'asked' })
    const [, again] = await mailsFor(smtp, address, 2)
    await confirm(linkIn(again, 'confirm')).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(other)]: 'asked', [key(address)]: 'confirmed' })
  })

  it('404 in the same words, whatever it lacks; the links of one kind are none of the other', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { path, id, address } = await confirmed(api)
    const foreign = createEmailLinks(publicUrl, [{ id: 'x', key: Buffer.alloc(32, 8) }])
    const bad = [
      '/email/confirm', '/email/unsubscribe/', `${path}x`, path.toUpperCase(), '/email/confirm/%ff', path.replace('confirm', 'unsubscribe'),
      foreign.unsubscribe({ destinationId: id, address: key(address) }).slice(publicUrl.length),
    ] // prettier-ignore
    const texts = new Set<string>()
    for (const link of bad) texts.add((await get(link).expect(404)).text)
    expect([...texts]).toHaveLength(1)
    await get('/email/other/1.x').expect(404)
  })

  it('is good for a week from when the mail was sent', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const before = Date.now()
    await inboxOf(api, [address])
    const [mail] = await mailsFor(smtp, address)
    const { text } = await get(linkIn(mail, 'confirm')).expect(200)
    const [, until = ''] = /expires on <time datetime="([^"]+)"/.exec(text) ?? []
    expect(Date.parse(until)).toBeGreaterThanOrEqual(before + confirmWithinMs)
    expect(Date.parse(until)).toBeLessThanOrEqual(Date.now() + confirmWithinMs)
  })
})

describe('the link that unsubscribes', () => {
  async function subscribed(api: Api, more: object = {}) {
    const one = await confirmed(api, more)
    await settledLog(api, await postEvent(api))
    const mails = await mailsFor(smtp, one.address)
    return { ...one, link: linkIn(mails.at(-1), 'unsubscribe') }
  }

  it('changes nothing when it is opened; pressed, nothing is sent any more, and the tenant is told', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id, address, link } = await subscribed(api)
    await get(link).expect(200)
    await pressed(stack, link, {}).expect(422)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'confirmed' })
    expect((await unsubscribe(link).expect(200)).text).toContain('You have unsubscribed')
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'unsubscribed' })
    const sent = smtp.mails.length
    const [delivery] = (await settledLog(api, await postEvent(api))).deliveries
    expect(delivery).toMatchObject({
      status: 'skipped',
      reason: `no recipient has confirmed: ${address} has unsubscribed`,
    })
    expect(smtp.mails).toHaveLength(sent)
    expect(await auditOf(api, 'email-recipient.unsubscribed')).toMatchObject([
      { keyId: 'email-link', subject: id, after: { status: 'unsubscribed' } },
    ])
    const [news] = await listedEvents(api, 'type=email.unsubscribed')
    expect((await readLog(api, news?.id ?? '')).data).toMatchObject({
      destinationId: id,
      name: 'On call',
      address: key(address),
    })
  })

  it('takes the one click of mail programs, in both of the forms in which they send it', async () => {
    const { api } = await tenantWhoAsks(stack)
    const first = await subscribed(api)
    await pressed(stack, first.link, { 'List-Unsubscribe': 'One-Click' }).expect(200)
    expect(await recipientsOf(api, first.id)).toEqual({ [key(first.address)]: 'unsubscribed' })
    await api.delete(`/destinations/${first.id}`).expect(204)
    const second = await subscribed(api)
    await supertest(stack.app).post(second.link).field('List-Unsubscribe', 'One-Click').expect(200)
    expect(await recipientsOf(api, second.id)).toEqual({ [key(second.address)]: 'unsubscribed' })
  })

  it('holds when the destination is deleted and created again, also for a tenant that the platform vouches for', async () => {
    const { api, id: tenantId } = await tenantWhoAsks(stack)
    const { id, address, link } = await subscribed(api)
    await unsubscribe(link).expect(200)
    await stack.db.tenant.update({ where: { id: tenantId }, data: { emailConsent: 'vouched' } })
    const again = async () => {
      const { body } = await api
        .post('/destinations', {
          name: 'On call',
          channel: 'email',
          config: { to: [address] },
          subscription: { eventTypes: ['all'] },
        })
        .expect(201)
      return (body as { id: string }).id
    }
    await api.delete(`/destinations/${id}`).expect(204)
    const second = await again()
    expect(await recipientsOf(api, second)).toEqual({ [key(address)]: 'unsubscribed' })
    // The platform lets the address in by name, and a further deletion does not take that back.
    await platform(stack)
      .post(`/tenants/${tenantId}/destinations/${second}/vouch`, { addresses: [address] })
      .expect(200)
    await api.delete(`/destinations/${second}`).expect(204)
    expect(await recipientsOf(api, await again())).toEqual({ [key(address)]: 'vouched' })
  })

  it('holds whatever the tenant does: taking the address out and in, and asking again', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id, address, link } = await subscribed(api)
    await unsubscribe(link).expect(200)
    const other = somebody()
    await api.patch(`/destinations/${id}`, { config: { to: [other] } }).expect(200)
    await api.patch(`/destinations/${id}`, { config: { to: [address.toUpperCase(), other] } }).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'unsubscribed', [key(other)]: 'asked' })
    const { body } = await api.post(`/destinations/${id}/confirmations`, { addresses: [address] }).expect(422)
    expect(body).toMatchObject({
      errors: [{ path: 'addresses.0', message: 'has unsubscribed and cannot be asked again' }],
    })
  })

  it('can be taken back by who has just pressed the button, and by the platform by name', async () => {
    const { id: tenantId, api } = await tenantWhoAsks(stack)
    const { id, address, link } = await subscribed(api)
    const { text } = await unsubscribe(link).expect(200)
    const [, undo = ''] = /href="https:\/\/switchyard\.test([^"]+)"/.exec(text) ?? []
    await get(undo).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'unsubscribed' })
    await confirm(undo).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'confirmed' })
    await unsubscribe(link).expect(200)
    expect((await confirm(undo).expect(200)).text).toContain('You have unsubscribed')
    expect((await get(link).expect(200)).text).not.toContain('href=')
    const vouch = (body: object) =>
      platform(stack).post(`/tenants/${tenantId}/destinations/${id}/vouch`, body)
    await vouch({}).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'unsubscribed' })
    await vouch({ addresses: [address] }).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(address)]: 'vouched' })
  })

  it('of an internationalized address is one, in whichever form the domain is given', async () => {
    const { id: tenantId, api } = await tenantWhoAsks(stack)
    const [given, stored] = ['jörg@exämple.de', 'jörg@xn--exmple-cua.de']
    const { id } = await inboxOf(api, [given])
    expect(await recipientsOf(api, id)).toEqual({ [stored]: 'asked' })
    const link = `/tenants/${tenantId}/destinations/${id}/vouch`
    await platform(stack)
      .post(link, { addresses: [given] })
      .expect(200)
    await platform(stack)
      .post(link, { addresses: [stored] })
      .expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [stored]: 'vouched' })
    const log = await settledLog(api, await postEvent(api))
    expect(log.deliveries).toMatchObject([{ status: 'delivered' }])
  })

  it('is in the request to confirm as well: who wants none of it is not asked again', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const { id } = await inboxOf(api, [address])
    const [mail] = await mailsFor(smtp, address)
    await unsubscribe(linkIn(mail, 'unsubscribe')).expect(200)
    expect((await confirm(linkIn(mail, 'confirm')).expect(200)).text).toContain('You have unsubscribed')
    await api.post(`/destinations/${id}/confirmations`).expect(409)
  })

  it('has nothing to do once the destination is gone', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id, link } = await subscribed(api)
    await api.delete(`/destinations/${id}`).expect(204)
    for (const answer of [await get(link), await unsubscribe(link)]) {
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('No longer subscribed')
    }
  })
})

describe('every door by which an email destination is made', () => {
  it('asks: the settings of KYC-Webhooks', async () => {
    const { api } = await tenantWhoAsks(stack)
    const [first, second] = [somebody(), somebody()]
    await api.patch('/tenant/settings', { notification_emails: [first] }).expect(200)
    await mailsFor(smtp, first)
    await api.patch('/tenant/settings', { notification_emails: [first, second] }).expect(200)
    await mailsFor(smtp, second)
    expect(await mailsFor(smtp, first)).toHaveLength(1)
  })

  it('asks: a configuration that is applied, and not one that is only tried', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const entry = {
      name: 'Inbox',
      channel: 'email',
      config: { to: [address] },
      subscription: { eventTypes: ['all'] },
    }
    const document = { switchyard: 1, destinations: [entry] }
    await api.post('/configuration?dryRun=true', document).expect(200)
    expect(mailsSoFar(smtp, address)).toEqual([])
    await api.post('/configuration', document).expect(200)
    expect(await mailsFor(smtp, address)).toHaveLength(1)
  })

  it('asks nobody of a tenant that the platform answers for', async () => {
    const { api } = await makeTenant(stack)
    const address = somebody()
    const { recipients, id } = await inboxOf(api, [address])
    expect(recipients).toMatchObject([{ address: key(address), status: 'vouched' }])
    expect((await settledLog(api, await postEvent(api))).status).toBe('delivered')
    expect(mailsSoFar(smtp, address)).toHaveLength(1)
    const { data } = (await api.get('/destinations').expect(200)).body as { data: Inbox[] }
    expect(data.find((one) => one.id === id)?.recipients).toEqual(recipients)
  })

  it('refuses a sender of a domain that is not the platform’s to send from', async () => {
    const { api } = await makeTenant(stack)
    const body = {
      name: 'Spoof',
      channel: 'email',
      config: { to: [somebody()], from: 'ceo@bank.example' },
      subscription: { eventTypes: ['all'] },
    }
    const { body: problem } = await api.post('/destinations', body).expect(422)
    expect(problem).toMatchObject({ errors: [{ path: 'config.from' }] })
  })
})

describe('asking again', () => {
  it('sends another mail, at most ten a day to an address; those beyond it are refused', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const { id, recipients } = await inboxOf(api, [address])
    for (let mails = 1; mails < 10; mails++) {
      await mailsFor(smtp, address, mails)
      await api.post(`/destinations/${id}/confirmations`).expect(202)
    }
    const all = await mailsFor(smtp, address, 10)
    const { body, headers } = await api.post(`/destinations/${id}/confirmations`).expect(429)
    expect(body).toMatchObject({ code: 'rate_limited' })
    expect(Number(headers['retry-after'])).toBeGreaterThan(80_000)
    // A second destination would have it asked once more: its log says why that is not sent.
    await inboxOf(api, [address], {}, { name: 'Another' })
    const events = await listedEvents(api, 'type=email.confirmation', 11)
    const logs = await eventually(
      () => Promise.all(events.map(({ id }) => readLog(api, id))),
      (list) => list.some(({ deliveries }) => deliveries[0]?.status === 'skipped'),
    )
    expect(
      logs.flatMap(({ deliveries }) => deliveries).find(({ status }) => status === 'skipped'),
    ).toMatchObject({ reason: 'not sent: a mailbox gets at most 10 confirmation requests a day' })
    const { body: now } = await api.get(`/destinations/${id}`)
    const [before, after] = [recipients[0], (now as Inbox).recipients[0]]
    expect(Date.parse(after?.askedAt ?? '')).toBeGreaterThan(Date.parse(before?.askedAt ?? ''))
    expect(after?.statusAt).toBe(before?.statusAt)
    // Each of them confirms.
    await confirm(linkIn(all[0], 'confirm')).expect(200)
    await api.post(`/destinations/${id}/confirmations`).expect(409)
  })

  it('counts a mailbox by all of its addresses, and over all tenants', async () => {
    const mailbox = key(somebody())
    const tagged = (tag: number) => mailbox.replace('@', `+${tag}@`)
    const mails = () =>
      smtp.envelopes.filter(({ to }) => to.some((one) => one.startsWith(mailbox.split('@')[0] ?? '')))
    const askFor = async (first: number) => {
      const { api } = await tenantWhoAsks(stack)
      const { id } = await inboxOf(
        api,
        Array.from({ length: 15 }, (_, index) => tagged(first + index)),
      )
      const events = await listedEvents(api, 'type=email.confirmation', 15)
      await Promise.all(events.map((event) => settledLog(api, event.id)))
      return { api, id }
    }
    const { api, id } = await askFor(0)
    expect(mails()).toHaveLength(10)
    const { body } = await api.post(`/destinations/${id}/confirmations`).expect(429)
    expect(body).toMatchObject({
      detail: expect.stringMatching(
        /^The confirmation request was not sent: a mailbox gets at most 10 confirmation requests a day/,
      ) as string,
    })
    await askFor(100)
    await askFor(200)
    expect(mails()).toHaveLength(20)
  })

  it('422 for more addresses of a mailbox than may be unanswered', async () => {
    const { api } = await tenantWhoAsks(stack)
    const mailbox = key(somebody())
    const tagged = (first: number, count: number) =>
      Array.from({ length: count }, (_, index) => mailbox.replace('@', `+${first + index}@`))
    await inboxOf(api, tagged(0, 49))
    const { id } = await inboxOf(api, [mailbox])
    const config = { to: [mailbox, ...tagged(49, 1)] }
    const { body } = await api.patch(`/destinations/${id}`, { config }).expect(422)
    expect(body).toMatchObject({
      errors: [{ path: 'config.to', message: expect.stringContaining('the limit is 50') as string }],
    })
    expect(await recipientsOf(api, id)).toEqual({ [mailbox]: 'asked' })
    const settings = await api.patch('/tenant/settings', { notification_emails: tagged(50, 1) }).expect(422)
    expect(settings.body).toMatchObject({ errors: [{ path: 'notification_emails' }] })
    await inboxOf(api, [somebody()])
  })

  it('422 for who is no recipient, 404 for what has none', async () => {
    const { api } = await tenantWhoAsks(stack)
    const { id } = await inboxOf(api, [somebody()])
    const { body } = await api
      .post(`/destinations/${id}/confirmations`, { addresses: ['x@y.example'] })
      .expect(422)
    expect(body).toMatchObject({ errors: [{ path: 'addresses.0' }] })
    const config = { url: 'https://example.com/hook' }
    const hook = { name: 'Hook', channel: 'webhook', config, subscription: { eventTypes: ['all'] } }
    const made = (await api.post('/destinations', hook).expect(201)).body as { id: string }
    expect(made).not.toHaveProperty('recipients')
    await api.post(`/destinations/${made.id}/confirmations`).expect(404)
  })

  it('is done by the next event for who could not be asked when the destination was made', async () => {
    const { api } = await tenantWhoAsks(stack)
    const address = somebody()
    const { id } = await inboxOf(api, [address])
    const [first] = await mailsFor(smtp, address)
    // As if the process had ended between writing the destination and asking.
    const statusAt = new Date()
    await stack.db.emailRecipient.updateMany({
      where: { destinationId: id },
      data: { askedAt: null, statusAt },
    })
    await confirm(linkIn(first, 'confirm')).expect(410)
    await settledLog(api, await postEvent(api))
    const [, second] = await mailsFor(smtp, address, 2)
    await confirm(linkIn(second, 'confirm')).expect(200)
    expect((await settledLog(api, await postEvent(api))).status).toBe('delivered')
  })
})

describe('the platform', () => {
  it('vouches by destination: for all who were asked, or for some; that is audited, and no tenant’s key can', async () => {
    const { id: tenantId, api } = await tenantWhoAsks(stack)
    const [ann, bob] = [somebody(), somebody()]
    const { id } = await inboxOf(api, [ann, bob])
    const path = `/tenants/${tenantId}/destinations/${id}/vouch`
    await api.post(path, {}).expect(403)
    const { body } = await platform(stack)
      .post(path, { addresses: [bob] })
      .expect(200)
    expect(body).toMatchObject({
      recipients: [
        { address: key(ann), status: 'asked' },
        { address: key(bob), status: 'vouched' },
      ],
    })
    await platform(stack).post(path).expect(200)
    expect(await recipientsOf(api, id)).toEqual({ [key(ann)]: 'vouched', [key(bob)]: 'vouched' })
    expect(await auditOf(api, 'email-recipient.vouched')).toMatchObject([
      { keyId: 'ADMIN_API_KEY', subject: id, after: { recipients: [{ address: key(ann) }] } },
      {
        keyId: 'ADMIN_API_KEY',
        subject: id,
        before: { recipients: [{ address: key(bob), status: 'asked' }] },
      },
    ])
    const stranger = await tenantWhoAsks(stack)
    await platform(stack).post(`/tenants/${stranger.id}/destinations/${id}/vouch`).expect(404)
    await platform(stack)
      .post(path, { addresses: ['x@y.example'] })
      .expect(422)
  })
})

it('without a public URL nobody can confirm: the destination is refused, unless the platform answers for it', async () => {
  const without = untilTestEnds(await startStack({ workers: false, links: false }))
  const { api, id } = await tenantWhoAsks(without)
  const subscription = { eventTypes: ['all'] }
  const body = { name: 'On call', channel: 'email', config: { to: [somebody()] }, subscription }
  const { body: problem } = await api.post('/destinations', body).expect(422)
  expect(problem).toMatchObject({
    errors: [{ path: 'config.to', message: expect.stringContaining('PUBLIC_URL') as string }],
  })
  expect((await api.get('/destinations').expect(200)).body).toMatchObject({ data: [] })
  const settings = await api.patch('/tenant/settings', { notification_emails: [somebody()] }).expect(422)
  expect(settings.body).toMatchObject({ errors: [{ path: 'notification_emails' }] })
  await platform(without).patch(`/tenants/${id}`, { emailConsent: 'vouched' }).expect(200)
  await api.post('/destinations', body).expect(201)
})
