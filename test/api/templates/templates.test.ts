import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { startReceiver, status, type Respond } from '../../support/servers/receiver.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

const parts = {
  email: { subject: 'AML: {{ data.name }}', html: '<p>{{ data.name }}</p>' },
  slack: { text: '*{{ data.name }}*' },
  webhook: { body: '{"who": "{{ data.name }}", "all": {{ data }}}' },
}
const given = { name: 'AML match', eventTypes: ['aml.match.found'], parts }

interface Template {
  id: string
  version: number
}
interface Problem {
  errors: { path: string; message: string }[]
}

async function create(api: Api, fields: object = {}): Promise<Template> {
  return (await api.post('/templates', { ...given, ...fields }).expect(201)).body as Template
}

describe('a template', () => {
  it('of many kilobytes is in the audit log by its size, hash and the parts that changed', async () => {
    const { api } = await makeTenant(stack)
    const html = `<p>${'long '.repeat(10_000)}</p>`
    const { id } = await create(api, { parts: { ...parts, email: { html } } })
    await api.patch(`/templates/${id}`, { parts: { ...parts, email: { html: `${html}!` } } }).expect(200)
    const { body } = await api.get(`/audit?subject=${id}`).expect(200)
    const entries = (body as { data: { after: object }[] }).data
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/) as string
    expect(entries).toMatchObject([
      {
        action: 'template.changed',
        after: {
          version: 2,
          parts: { omitted: expect.any(Number) as number, sha256, changed: ['email.html'] },
        },
      },
      { action: 'template.created', after: { name: given.name, parts: { sha256 } } },
    ])
    expect(JSON.stringify(entries).length).toBeLessThan(3_000)
  })

  it('is created, read, listed, changed and deleted', async () => {
    const { api } = await makeTenant(stack)
    const made = await create(api)
    expect(made).toEqual({
      ...given,
      id: expect.stringMatching(/^tpl_[a-z0-9]{26}$/) as string,
      version: 1,
      environment: 'sandbox',
      createdAt: expect.any(String) as string,
      updatedAt: expect.any(String) as string,
    })
    expect((await api.get(`/templates/${made.id}`).expect(200)).body).toEqual(made)
    const list = (await api.get('/templates').expect(200)).body as { data: unknown[] }
    expect(list.data).toMatchObject([
      { id: made.id, channels: expect.arrayContaining(['email', 'slack', 'webhook']) as unknown },
    ])
    expect(list.data[0]).not.toHaveProperty('parts')
    const renamed = await api.patch(`/templates/${made.id}`, { name: 'Match', eventTypes: [] }).expect(200)
    expect(renamed.body).toMatchObject({ name: 'Match', eventTypes: [], parts, version: 1 })
    await api.delete(`/templates/${made.id}`).expect(204)
    await api.get(`/templates/${made.id}`).expect(404)
    await api.delete(`/templates/${made.id}`).expect(404)
    const { body } = await api.get('/audit').expect(200)
    const actions = (body as { data: { action: string; subject?: string }[] }).data
    expect(actions.filter(({ subject }) => subject === made.id).map(({ action }) => action)).toEqual([
      'template.deleted',
      'template.changed',
      'template.created',
    ])
  })

  it('has a version for each change of its parts, with who wrote it, even when it is gone', async () => {
    const { id: tenantId, keyId, api } = await makeTenant(stack)
    const other = await makeKey(stack, tenantId, 'sandbox')
    const { id } = await create(api)
    const same = { ...parts, slack: { ...parts.slack } }
    expect((await api.patch(`/templates/${id}`, { parts: same }).expect(200)).body).toMatchObject({
      version: 1,
    })
    const changed = { slack: { text: 'v2' } }
    const second = await other.api.patch(`/templates/${id}`, { parts: changed }).expect(200)
    expect(second.body).toMatchObject({ version: 2, parts: changed })
    await api.delete(`/templates/${id}`).expect(204)
    expect((await api.get(`/templates/${id}/versions`).expect(200)).body).toMatchObject({
      data: [
        { version: 2, parts: changed, keyId: other.keyId, name: given.name },
        { version: 1, parts, keyId },
      ],
    })
  })

  it.each<[what: string, fields: object, path: string, message: RegExp]>([
    ['no parts', { parts: {} }, 'parts', /^must have a part for at least one of webhook, email, slack, teams$/],
    ['an empty part', { parts: { email: {} } }, 'parts.email', /^must contain at least one of subject, text, html$/],
    ['a channel that is none', { parts: { fax: { text: 'x' } } }, 'parts.fax', /^is not a known field$/],
    ['a field that is none', { parts: { slack: { html: 'x' } } }, 'parts.slack.html', /^is not a known field$/],
    ['an empty text', { parts: { slack: { text: '' } } }, 'parts.slack.text', /^must not be empty$/],
    ['too long a text', { parts: { email: { html: 'x'.repeat(65_537) } } }, 'parts.email.html', /at most 65536/],
    [
      'a tag that is left open',
      { parts: { email: { html: '<p>\n{% if data.a %}</p>' } } },
      'parts.email.html',
      /^is not valid Liquid: tag {% if data.a %} not closed \(line 2, column 1\)$/,
    ],
    ['an unknown filter', { parts: { webhook: { body: '{{ a | nope }}' } } }, 'parts.webhook.body', /undefined filter: nope/],
    ['another file', { parts: { slack: { text: '{% render "x" %}' } } }, 'parts.slack.text', /"render" is not supported/],
    ['an event type that is none', { eventTypes: ['a b'] }, 'eventTypes.0', /must be an event type/],
    ['no name', { name: ' ' }, 'name', /must not be empty/],
  ])('is refused with %s, when it is made and when it is changed', async (_what, fields, path, message) => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api)
    for (const answer of [api.post('/templates', { ...given, ...fields }), api.patch(`/templates/${id}`, fields)]) {
      const { errors } = (await answer.expect(422)).body as Problem
      expect(errors).toEqual([{ path, message: expect.stringMatching(message) as string }])
    }
  }) // prettier-ignore

  it('is of one tenant and one environment', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const { id } = await create(api)
    const strangers = [(await makeTenant(stack)).api, (await makeKey(stack, tenantId, 'production')).api]
    for (const stranger of strangers) {
      await stranger.get(`/templates/${id}`).expect(404)
      await stranger.get(`/templates/${id}/versions`).expect(404)
      await stranger.patch(`/templates/${id}`, { name: 'Mine' }).expect(404)
      await stranger.post(`/templates/${id}/preview`).expect(404)
      await stranger.delete(`/templates/${id}`).expect(404)
      expect((await stranger.get('/templates').expect(200)).body).toEqual({ data: [], nextCursor: null })
    }
    await api.get(`/templates/${id}`).expect(200)
  })

  it('is read with settings:read and written with settings:write', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const { id } = await create(api)
    const reader = (await makeKey(stack, tenantId, 'sandbox', ['settings:read'])).api
    await reader.get(`/templates/${id}`).expect(200)
    await reader.post('/templates/preview', { parts }).expect(200)
    await reader.post('/templates', given).expect(403)
    await reader.patch(`/templates/${id}`, { name: 'x' }).expect(403)
    await reader.delete(`/templates/${id}`).expect(403)
    const sender = (await makeKey(stack, tenantId, 'sandbox', ['events:write'])).api
    await sender.get(`/templates/${id}`).expect(403)
  })

  it('is one of 200 at most in an environment', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const rows = Array.from({ length: 199 }, (_, n) => ({
      id: `tpl_${tenantId}_${n}`,
      tenantId,
      environment: 'sandbox',
      name: 'x',
      parts,
    }))
    await stack.db.template.createMany({ data: rows })
    const answers = await Promise.all([api.post('/templates', given), api.post('/templates', given)])
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409])
    expect(answers.find((answer) => answer.status === 409)?.body).toMatchObject({ code: 'limit_reached' })
  })
})

describe('a preview', () => {
  const event = { type: 'aml.match.found', data: { name: '<Zoë> & "co"' } }

  it('shows what every channel would send', async () => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/templates/preview', { parts, event }).expect(200)
    expect(body).toMatchObject({
      event,
      channels: {
        email: {
          subject: 'AML: <Zoë> & "co"',
          html: '<p>&lt;Zoë&gt; &amp; &quot;co&quot;</p>',
          text: '<Zoë> & "co"',
        },
        slack: { text: '*&lt;Zoë&gt; &amp; "co"*' },
        webhook: { body: { who: '<Zoë> & "co"', all: event.data } },
      },
      problems: [],
      absent: [],
    })
  })

  it('shows the default of a channel that there is no part for, or whose part fails, and why', async () => {
    const { api } = await makeTenant(stack)
    const bad = {
      email: { subject: '{% if %}', html: '<p>ok</p>' },
      webhook: { body: '{"a": }' },
    }
    const { body } = await api.post('/templates/preview', { parts: bad, event }).expect(200)
    expect(body).toMatchObject({
      channels: {
        email: { subject: 'AML match found (sandbox)' },
        slack: { text: 'AML match found (sandbox)' },
        webhook: { body: { type: 'aml.match.found', data: event.data } },
      },
      problems: [
        {
          path: 'parts.webhook.body',
          message: expect.stringMatching(/^does not render to valid JSON/) as string,
        },
        { path: 'parts.email.subject', message: expect.stringMatching(/^is not valid Liquid/) as string },
      ],
    })
  })

  it('lists what the template prints and the event does not have', async () => {
    const { api } = await makeTenant(stack)
    const text =
      '{{ data.nmae }}{{ dta.name }}{% if data.maybe %}{{ data.maybe.not }}{% endif %}{{ data.x | default: "-" }}' +
      '{% for match in data.matches %}{{ match.list }}{{ match.scroe }}{% endfor %}{{ acknowledgeUrl }}'
    const data = { name: 'Zoë', matches: [{ list: 'EU' }] }
    const asked = { parts: { slack: { text } }, event: { type: 'a', data }, channel: 'slack' }
    const { body } = await api.post('/templates/preview', asked).expect(200)
    expect(body).toMatchObject({ problems: [], absent: ['data.nmae', 'dta', 'match.scroe'] })
    expect(Object.keys((body as { channels: object }).channels)).toEqual(['slack'])
  })

  it('takes the sample of the first event type that is named in full', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const preview = async (eventTypes: string[]) => {
      const { id } = await create(api, { eventTypes })
      return (await api.post(`/templates/${id}/preview`).expect(200)).body as {
        event: { type: string; data: object }
      }
    }
    const { event: known } = await preview(['aml.*', 'screening.completed'])
    expect(known.type).toBe('screening.completed')
    expect(Object.keys(known.data)).not.toEqual([])
    const sample = { name: 'registered' }
    await stack.db.eventType.create({ data: { tenantId, environment: 'sandbox', type: 'own.type', sample } })
    await stack.db.eventType.create({
      data: { tenantId, environment: 'production', type: 'other.type', sample },
    })
    expect((await preview(['own.type'])).event).toEqual({ type: 'own.type', data: sample })
    expect((await preview(['other.type'])).event.data).not.toEqual(sample)
    expect((await preview(['all'])).event).toMatchObject({ type: 'example.happened' })
  })
})

describe('a message', () => {
  const data = { name: 'Zoë <b>' }
  const subscription = { eventTypes: ['aml.*'] }

  async function emailTo(api: Api) {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@x.io'], from: 'b@x.io', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
    await api.post('/destinations', { name: 'Mail', channel: 'email', config, subscription }).expect(201)
    return receiver
  }
  async function httpTo(api: Api, channel: 'slack' | 'webhook', respond?: Respond) {
    const receiver = untilTestEnds(await startReceiver(respond))
    const config = channel === 'slack' ? { webhookUrl: receiver.url } : { url: receiver.url }
    const delivery = { schedule: ['0s'] }
    const { body } = await api
      .post('/destinations', { name: channel, channel, config, subscription, delivery })
      .expect(201)
    return { receiver, secret: (body as { secret?: string }).secret ?? '' }
  }
  async function happen(api: Api) {
    const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
    const log = await settledLog(api, (body as { id: string }).id)
    return log.deliveries.map(({ channel, status, attempts }) => ({
      channel,
      status,
      attempt: attempts.at(-1),
    }))
  }

  it('is made of the template that is the default for its type, and the log says which', async () => {
    const { api } = await makeTenant(stack)
    const mail = await emailTo(api)
    const { receiver: slack } = await httpTo(api, 'slack')
    const { receiver: webhook, secret } = await httpTo(api, 'webhook')
    const { id } = await create(api)
    await api
      .patch(`/templates/${id}`, { parts: { ...parts, slack: { text: 'v2 {{ data.name }}' } } })
      .expect(200)
    const deliveries = await happen(api)
    expect(deliveries).toHaveLength(3)
    for (const { attempt } of deliveries) {
      expect(attempt).toMatchObject({ outcome: 'delivered', template: { id, version: 2 } })
      expect(attempt).not.toHaveProperty('templateFault')
    }
    expect(mail.mails[0]).toMatchObject({
      subject: 'AML: Zoë <b>',
      html: expect.stringContaining('<p>Zoë &lt;b&gt;</p>') as string,
    })
    expect(JSON.parse(slack.received[0]?.body ?? '')).toMatchObject({ text: 'v2 Zoë &lt;b&gt;' })
    const { body = '', headers = {} } = webhook.received[0] ?? {}
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({
      who: 'Zoë <b>',
      all: data,
    })
  })

  it('is the default one when its template fails, and the log says why', async () => {
    const { api } = await makeTenant(stack)
    const mail = await emailTo(api)
    const { receiver: slack } = await httpTo(api, 'slack')
    const { receiver: webhook, secret } = await httpTo(api, 'webhook')
    const { id } = await create(api, {
      parts: {
        email: { subject: 'never', text: '{% for i in (1..1000000000) %}x{% endfor %}' },
        slack: { blocks: '[{{ data.name }}]' },
        webhook: { body: '{"a": "{{ data.name }}",}' },
      },
    })
    const faults = Object.fromEntries(
      (await happen(api)).map(({ channel, status, attempt }) => {
        expect({ status, attempt }).toMatchObject({
          status: 'delivered',
          attempt: { number: 1, outcome: 'delivered', template: { id, version: 1 } },
        })
        return [channel, (attempt as { templateFault?: string }).templateFault]
      }),
    )
    expect(faults).toEqual({
      email:
        'email.text cannot be rendered: it produces too much text or too long lists while rendering (line 1, column 1)',
      slack: 'slack.blocks does not render to a JSON array of blocks',
      webhook: expect.stringMatching(/^webhook\.body does not render to valid JSON: /) as string,
    })
    expect(mail.mails[0]?.subject).toBe('AML match found (sandbox)')
    expect(slack.received[0]?.body).toContain('*name*')
    const { body = '', headers = {} } = webhook.received[0] ?? {}
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({ data })
  })

  it('is not held up again by a template that took too long a moment ago', async () => {
    const { api } = await makeTenant(stack)
    await httpTo(api, 'webhook')
    const loop = '{% for i in (1..1000) %}'
    const body = `${loop.repeat(4)}${'{% endfor %}'.repeat(4)}`
    await create(api, { parts: { webhook: { body } } })
    for (const fault of [/takes too long[^;]*$/, /takes too long.*; not rendered again for a minute$/])
      expect(await happen(api)).toMatchObject([
        { status: 'delivered', attempt: { templateFault: expect.stringMatching(fault) as string } },
      ])
  })

  it('that Slack refuses for its blocks is sent again as the default one, in the same attempt', async () => {
    const { api } = await makeTenant(stack)
    const refuseBlocks: Respond = (response, { body }) =>
      body.includes('nonsense')
        ? status(400, {}, 'invalid_blocks')(response, { path: '', headers: {}, body }, 1)
        : void response.end('ok')
    const { receiver } = await httpTo(api, 'slack', refuseBlocks)
    const { id } = await create(api, { parts: { slack: { blocks: '[{"type": "nonsense"}]' } } })
    expect(await happen(api)).toMatchObject([
      {
        status: 'delivered',
        attempt: {
          number: 1,
          outcome: 'delivered',
          template: { id, version: 1 },
          templateFault: 'the receiver rejected the rendered message: HTTP 400: invalid_blocks',
        },
      },
    ])
    expect(receiver.received.map(({ body }) => body.includes('*name*'))).toEqual([false, true])
  })

  it('of a template that was deleted while it waited is the default one, and the log says so', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(503)))
    const config = { url: receiver.url }
    const delivery = { schedule: ['0s', '1s'] }
    await api
      .post('/destinations', { name: 'W', channel: 'webhook', config, subscription, delivery })
      .expect(201)
    const { id } = await create(api)
    let gone: Promise<unknown> | undefined
    receiver.answer((response, _request, count) => {
      if (count > 1) return void response.end()
      gone = Promise.resolve(api.delete(`/templates/${id}`).expect(204)).then(
        () => void response.writeHead(503).end(),
      )
    })
    const [delivered] = await happen(api)
    await gone
    expect(delivered).toMatchObject({
      status: 'delivered',
      attempt: { number: 2, templateFault: `the template ${id} no longer exists` },
    })
    expect(receiver.received.map(({ body }) => Object.keys(JSON.parse(body) as object))).toEqual([
      ['who', 'all'],
      ['type', 'timestamp', 'data'],
    ])
  })
})
