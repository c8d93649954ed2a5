import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { Switchyard, verify } from '../../../packages/client/src/index.ts'
import { buildClientPackage, runTsc } from '../../support/releases/client-package.ts'
import { startReceiver } from '../../support/servers/receiver.ts'
import { startSender } from '../../support/sender.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, eventually, makeTenant, ofFile } from '../../support/stack.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const stack = sharedStack()
const api = ofFile(() => startSender(stack.app))
const receiver = ofFile(() => startReceiver())

const data = { riskLevel: 'high', matchedName: 'Zoë' }
/** The latest webhook that arrived for this event. */
async function arrival(id: string) {
  const find = () => receiver.received.findLast(({ headers }) => headers['webhook-id'] === id)
  await eventually(
    () => Promise.resolve(find()),
    (webhook) => webhook !== undefined,
  )
  return find() ?? { headers: {}, body: '' }
}

describe('the client', () => {
  let client: Switchyard
  beforeAll(async () => {
    client = new Switchyard({ apiKey: (await makeTenant(stack)).key, baseUrl: api.origin })
  })

  it('sends an event, finds it in the list, reads its log, verifies its webhook and replays it', async () => {
    const { id: destinationId, secret = '' } = await client.destinations.create({
      name: 'Case system',
      channel: 'webhook',
      config: { url: receiver.url },
      subscription: { eventTypes: ['aml.*'] },
    })
    const { id, duplicate } = await client.events.send({ type: 'aml.match.found', data })
    expect(duplicate).toBeUndefined()

    const log = await eventually(
      () => client.events.get(id),
      ({ status }) => status === 'delivered',
    )
    expect(log.deliveries).toMatchObject([{ destinationId, status: 'delivered' }])

    const verified = await verify(await arrival(id), { secrets: secret })
    expect(verified).toMatchObject({ id, body: { type: 'aml.match.found', data } })

    const listed = await eventually(
      async () => {
        const ids: string[] = []
        for await (const event of client.events.list({ type: 'aml.match.found', limit: 1 }))
          ids.push(event.id)
        return ids
      },
      (ids) => ids.length > 0,
    )
    expect(listed).toEqual([id])

    const arrivedBefore = receiver.received.length
    await client.events.replay(id, { destinations: [destinationId] })
    await eventually(
      () => client.events.get(id),
      ({ replays }) => replays?.[0]?.status === 'delivered',
    )
    expect(receiver.received.length).toBe(arrivedBefore + 1)
    await client.destinations.delete(destinationId)
  })

  it('sends the same event once, however often it is repeated with the same idempotency key', async () => {
    const send = () => client.events.send({ type: 'kyc.session.created', data }, { idempotencyKey: 'case-7' })
    const [first, second] = [await send(), await send()]
    expect(second).toMatchObject({ id: first.id, duplicate: true })
  })

  it('pages through a list, with every item once', async () => {
    const made = await Promise.all(
      ['a', 'b', 'c'].map((name) => client.templates.create({ name, parts: { email: { text: name } } })),
    )
    const ids: string[] = []
    for await (const { id } of client.templates.list({ limit: 1 })) ids.push(id)
    expect(ids.sort()).toEqual(made.map(({ id }) => id).sort())
  })

  it('throws the API’s errors', async () => {
    await expect(client.events.get('evt_unknown')).rejects.toMatchObject({ code: 'not_found', status: 404 })
    await expect(client.events.send({ type: 'not a type', data })).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'type' }],
    })
    const platform = new Switchyard({ apiKey: adminKey, baseUrl: api.origin })
    await expect(platform.events.list().page()).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('the README of the packed client', () => {
  const built = ofFile(buildClientPackage, 120_000)
  const readme = readFileSync(join(root, 'packages/client/README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, code = '']) => code)

  /** Type-checks a program against the package's types, and returns what it prints. */
  async function runProgram(name: string, code: string, env: Record<string, string>): Promise<string> {
    await writeFile(join(built.folder, 'package.json'), '{"type":"module"}')
    await writeFile(join(built.folder, name), code)
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022,dom,dom.iterable']
    await runTsc(built.folder, ...options, '--module', 'nodenext', ...types, name)
    const tsx = join(root, 'node_modules/tsx/dist/loader.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, name], {
      cwd: built.folder,
      env: { ...process.env, ...env },
    })
    return stdout
  }

  it('has a quickstart that works, and a receiver that accepts its webhook and refuses a changed one', async () => {
    const [quickstart = '', lists = '', errors = '', receive = '', ...others] = blocks
    expect(others).toEqual([])
    const output = await runProgram('quickstart.ts', quickstart + lists + errors, {
      SWITCHYARD_API_KEY: (await makeTenant(stack)).key,
      SWITCHYARD_URL: api.origin,
      RECEIVER_URL: receiver.url,
    })
    const [, secret = ''] = /Verify webhooks with (whsec_\S+)/.exec(output) ?? []
    const [id = ''] = /^evt_\w+/m.exec(output) ?? []

    const { headers, body } = await arrival(id)
    const signed = Object.entries(headers).filter(([name]) => /^webhook-/.test(name))
    const tail = `
      const { signed, body } = JSON.parse(process.env.ARRIVED ?? '')
      for (const text of [body, body + ' ']) {
        const request = new Request('http://receiver.test/', { method: 'POST', headers: signed, body: text })
        console.log('answers', (await receive(request)).status)
      }
    `
    const ARRIVED = JSON.stringify({ signed, body })
    const answers = await runProgram('receive.ts', receive + tail, { WEBHOOK_SECRET: secret, ARRIVED })
    expect(answers.match(/answers \d+/g)).toEqual(['answers 204', 'answers 401'])
    expect(answers).toContain(id)
  }, 120_000)
})
