import { randomBytes } from 'node:crypto'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { createAcknowledgeLink } from '../../../src/domain/crypto/acknowledge-link.ts'
import {
  escalatedEvent,
  isWaiting,
  linkPath,
  press,
  readAcknowledgedLog,
  tenantWhoEscalates,
  tenantWhoWaits,
  waitingEvent,
} from '../../support/workflows/acknowledge.ts'
import { eventually, makeTenant, publicUrl, settledLog, stackOfFile } from '../../support/stack.ts'

const oldKey = { id: 'old', key: randomBytes(32) }
const stack = stackOfFile({ secretKeys: [{ id: 'new', key: randomBytes(32) }, oldKey] })

const get = (path: string) => supertest(stack.app).get(path)

describe('the page', () => {
  it('says which event it is about, when it was accepted and what waits; nothing of its data', async () => {
    const tenant = await tenantWhoWaits(stack, { rule: 'High risk' })
    const id = await waitingEvent(tenant, { customer: 'Jane Roe', riskLevel: 'high' })
    const { text } = await get(linkPath(stack, tenant, id))
      .expect(200)
      .expect('Content-Type', /^text\/html/)
    expect(text).toContain(id)
    expect(text).toContain('aml.match.found')
    expect(text).toContain('sandbox')
    expect(text).toMatch(/Accepted<\/dt>\s*<dd><time datetime="20\d\d-/)
    expect(text).toMatch(
      /The rule “High risk” is waiting for an acknowledgement until <time datetime="20\d\d-/,
    )
    expect(text).not.toMatch(/Jane|Roe|riskLevel/)
  })

  it('asks by one form with labelled fields, and needs no script', async () => {
    const tenant = await tenantWhoWaits(stack)
    const { text } = await get(linkPath(stack, tenant, await waitingEvent(tenant)))
    expect(text.match(/<form/g)).toHaveLength(1)
    expect(text).toContain('<form method="post"')
    for (const field of ['name', 'note'])
      expect(text).toMatch(new RegExp(`<label for="${field}">.*<(input|textarea) id="${field}"`, 's'))
    expect(text).not.toMatch(/<script|\son\w+=|javascript:/i)
    expect(text).not.toMatch(/(src|href|action)=/)
  })

  it('is kept by nobody, shown in no frame, found by no search and tells nobody its address', async () => {
    const tenant = await tenantWhoWaits(stack)
    const path = linkPath(stack, tenant, await waitingEvent(tenant))
    for (const answer of [await get(path), await press(stack, path), await get('/acknowledge/1.x')]) {
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-robots-tag': 'noindex, nofollow',
      })
      const policy = (answer.headers['content-security-policy'] as string).split('; ')
      expect(policy).toEqual([
        "default-src 'none'",
        expect.stringMatching(/^style-src 'sha256-[A-Za-z0-9+/]{43}='$/),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ])
      expect(answer.headers).not.toHaveProperty('x-powered-by')
    }
  })
})

describe('a program that opens the link', () => {
  it('acknowledges nothing, by any method, however often', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const path = linkPath(stack, tenant, id)
    for (let time = 0; time < 3; time++) {
      await get(path).expect(200)
      await supertest(stack.app).head(path).expect(200)
      await supertest(stack.app).options(path).expect(200).expect('Allow', 'GET, HEAD, POST')
      await get(`${path}?utm_source=mail`).set('Purpose', 'prefetch').expect(200)
    }
    for (const method of ['put', 'patch', 'delete'] as const)
      await supertest(stack.app)[method](path).expect(404)
    const log = await readAcknowledgedLog(tenant.api, id)
    expect(log).not.toHaveProperty('acknowledgement')
    expect(isWaiting(log)).toBe(true)
  })

  it('acknowledges nothing by a POST of its own either: the form says that the button was pressed', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const path = linkPath(stack, tenant, id)
    await supertest(stack.app).post(path).expect(422)
    await supertest(stack.app).post(path).send({ acknowledge: 'yes' }).expect(422)
    await supertest(stack.app).post(path).type('form').send({ name: 'Ann' }).expect(422)
    await supertest(stack.app).post(path).type('text').send('acknowledge=yes').expect(422)
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })
})

describe('pressing the button', () => {
  it('acknowledges: page and log say who and when, and by which link', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const note = 'First line.\r\nSecond line.'
    const { text } = await press(stack, linkPath(stack, tenant, id), { name: ' Ann ', note }).expect(200)
    await settledLog(tenant.api, id)
    const { acknowledgement } = await readAcknowledgedLog(tenant.api, id)
    expect(acknowledgement).toEqual({
      at: acknowledgement?.at,
      by: 'Ann',
      note: 'First line.\nSecond line.',
      via: 'link',
      destinationId: tenant.destinationId,
    })
    expect(text).toMatch(/Acknowledged<\/h1>/)
    expect(text).toContain('<dd>Ann</dd>')
    expect(text).toContain(`<time datetime="${acknowledgement?.at}">`)
    expect(text).not.toContain('<form')
  })

  it('without a name acknowledges in the name of the link: whom it was sent to', async () => {
    const tenant = await tenantWhoWaits(stack, { destination: 'Compliance on call' })
    const id = await waitingEvent(tenant)
    await press(stack, linkPath(stack, tenant, id), { name: '  ' }).expect(200)
    const { acknowledgement } = await readAcknowledgedLog(tenant.api, id)
    expect(acknowledgement).toMatchObject({ by: 'the link sent to Compliance on call' })
    expect(acknowledgement).not.toHaveProperty('note')
  })

  it('names a destination that was deleted since by its id', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    await tenant.api.delete(`/destinations/${tenant.destinationId}`).expect(204)
    await press(stack, linkPath(stack, tenant, id)).expect(200)
    const { acknowledgement } = await readAcknowledgedLog(tenant.api, id)
    expect(acknowledgement?.by).toBe(`the link sent to ${tenant.destinationId}`)
  })

  it('again shows the first acknowledgement, as opening the link does', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const path = linkPath(stack, tenant, id)
    await press(stack, path, { name: 'Ann' }).expect(200)
    await settledLog(tenant.api, id)
    const again = await press(stack, path, { name: 'Bob' }).expect(200)
    for (const { text } of [again, await get(path).expect(200)]) {
      expect(text).toContain('<dd>Ann</dd>')
      expect(text).not.toContain('Bob')
      expect(text).not.toContain('<form')
    }
    expect(again.text).toContain('had already been acknowledged')
  })

  it('shows what is wrong beside its field, keeps what was typed, and acknowledges nothing', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const bad = { name: 'An\u0000n', note: 'x'.repeat(1001) }
    const { text } = await press(stack, linkPath(stack, tenant, id), bad).expect(422)
    expect(text).toContain('id="name-problem">Your name must not contain control characters.')
    expect(text).toContain('id="note-problem">The note must have at most 1000 characters.')
    expect(text).toContain(bad.note)
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })

  it('413 for a form that no browser would send', async () => {
    const tenant = await tenantWhoWaits(stack)
    const path = linkPath(stack, tenant, await waitingEvent(tenant))
    const { text } = await press(stack, path, { note: 'x'.repeat(20_000) }).expect(413)
    expect(text).toContain('The form could not be read.')
  })
})

describe('an event that has ended', () => {
  it('asks the one to whom it was escalated, and takes the acknowledgement for the record', async () => {
    const tenant = await tenantWhoEscalates(stack)
    const id = await escalatedEvent(tenant)
    const path = linkPath(stack, tenant, id)
    const { text } = await get(path).expect(200)
    expect(text).toMatch(
      /no longer wait for an acknowledgement. You can still acknowledge it for the record until <time datetime="20\d\d-/,
    )
    const pressed = await press(stack, path).expect(200)
    expect(pressed.text).toContain('the link sent to Head')
    const { acknowledgement } = await readAcknowledgedLog(tenant.api, id)
    expect(acknowledgement).toMatchObject({ via: 'link', destinationId: tenant.destinationId })
    expect((await get(path).expect(200)).text).not.toContain('<form')
  })

  it('409 where no message asked for it: opened or pressed, the page says that it is too late', async () => {
    const tenant = await makeTenant(stack)
    const { body } = await tenant.api.post('/events', { type: 'a.b', data: {} }).expect(202)
    const { id } = body as { id: string }
    await settledLog(tenant.api, id)
    const path = linkPath(stack, { ...tenant, destinationId: 'dst_any' }, id)
    for (const { text } of [await get(path).expect(409), await press(stack, path).expect(409)]) {
      expect(text).toMatch(
        /can no longer be acknowledged.*This event was not acknowledged before it ended on <time/s,
      )
      expect(text).not.toContain('<form')
    }
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })

  it('asks again while a replay of it waits, and says who acknowledged the event itself', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const path = linkPath(stack, tenant, id)
    await press(stack, path, { name: 'Ann' }).expect(200)
    await settledLog(tenant.api, id)
    await tenant.api.post(`/events/${id}/replay`).expect(202)
    await eventually(
      () => readAcknowledgedLog(tenant.api, id),
      ({ replays: [replay] }) => replay !== undefined && isWaiting(replay),
    )
    const { text } = await get(path).expect(200)
    expect(text).toContain('It was acknowledged by Ann on')
    expect(text).toContain('<form')
    await press(stack, path, { name: 'Bob' }).expect(200)
    const log = await readAcknowledgedLog(tenant.api, id)
    expect(log).toMatchObject({
      acknowledgement: { by: 'Ann' },
      replays: [{ acknowledgement: { by: 'Bob' } }],
    })
  })
})

describe('a link that nobody was given', () => {
  it('404 in the same words, whatever it lacks', async () => {
    const tenant = await tenantWhoWaits(stack)
    const stranger = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const good = linkPath(stack, tenant, id)
    const foreign = createAcknowledgeLink(publicUrl, [{ id: 'new', key: randomBytes(32) }])({
      event: { id, tenantId: tenant.id, environment: 'sandbox' },
      destinationId: tenant.destinationId,
    })
    const links = [
      '/acknowledge', '/acknowledge/', '/acknowledge/1', `${good}x`, `${good}/`, `${good}/more`, good.slice(0, -1), good.toUpperCase(),
      '/acknowledge/%ff', '/acknowledge/..%2f..%2fapi', foreign.slice(publicUrl.length),
      good.replace(tenant.id, stranger.id), good.replace('.sandbox.', '.production.'),
      good.replace(tenant.destinationId, stranger.destinationId),
      // Well made, for an event that is not the tenant's.
      linkPath(stack, stranger, id), linkPath(stack, tenant, id, 'production'), linkPath(stack, tenant, 'evt_unknown'),
    ] // prettier-ignore
    const texts = new Set<string>()
    for (const link of links) texts.add((await get(link).expect(404)).text)
    // Guesses are counted (acknowledge-limits.test.ts): not each of them is tried twice.
    for (const link of links.slice(-4)) texts.add((await press(stack, link).expect(404)).text)
    expect([...texts]).toHaveLength(1)
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })
})

it('goes on working after the key that signed it was replaced, as long as it is among the keys', async () => {
  const tenant = await tenantWhoWaits(stack)
  const id = await waitingEvent(tenant)
  const event = { id, tenantId: tenant.id, environment: 'sandbox' as const }
  const { destinationId } = tenant
  const link = createAcknowledgeLink(publicUrl, [oldKey])({ event, destinationId })
  expect(link).not.toBe(publicUrl + linkPath(stack, tenant, id))
  await press(stack, link.slice(publicUrl.length), { name: 'Ann' }).expect(200)
  expect((await readAcknowledgedLog(tenant.api, id)).acknowledgement?.by).toBe('Ann')
})

it('shows what people wrote as text, and never as a part of the page', async () => {
  const evil = `"><img src=x onerror=alert(1)><script>alert('1')</script>{{ event.id }}`
  const escaped = /&#34;&gt;&lt;img src=x onerror=alert\(1\)&gt;&lt;script&gt;alert\(&#39;1&#39;\)/
  const tenant = await tenantWhoWaits(stack, { rule: evil, destination: evil })
  const id = await waitingEvent(tenant)
  const path = linkPath(stack, tenant, id)
  const asked = await get(path).expect(200)
  const wrong = await press(stack, path, { name: `${evil}\u0001`, note: `</textarea>${evil}` }).expect(422)
  const done = await press(stack, path, { name: evil, note: evil }).expect(200)
  const other = await waitingEvent(tenant)
  const unnamed = await press(stack, linkPath(stack, tenant, other)).expect(200)
  for (const { text } of [asked, wrong, done, unnamed]) {
    expect(text).toMatch(escaped)
    expect(text).toContain('{{ event.id }}')
    expect(text).not.toMatch(/<img|<script/)
  }
})
