import { beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { errorCodes } from '../../../src/api/errors.ts'
import { exampleAddress, exampleIds, exampleUrl } from '../../../src/api/openapi/examples/things.ts'
import { callOf, requestLine } from '../../support/routes/every-route.ts'
import { document, findOperation, problemsOf } from '../../support/routes/openapi.ts'
import { startReceiver } from '../../support/servers/receiver.ts'
import { isPlatforms, routeTable } from '../../support/routes/route-table.ts'
import { startSender } from '../../support/sender.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { adminKey, apiAt, makeTenant, ofFile, readLog, startStack } from '../../support/stack.ts'
import { aDestination, type World } from '../../support/things.ts'

const mail = ofFile(() => startSmtpReceiver())
const stack = ofFile(() =>
  startStack({
    egressAllow: ['127.0.0.0/8', 'localhost'],
    mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from: 'switchyard@example.com' },
  }),
)
const sender = ofFile(() => startSender(stack.app))
const receiver = ofFile(() => startReceiver(undefined, { tls: true }))

let world: World & { key: string }
beforeAll(async () => {
  const { id: tenantId, key } = await makeTenant(stack)
  const [api, platform] = [apiAt(sender.origin, key), apiAt(sender.origin, adminKey)]
  world = { tenantId, key, environment: 'sandbox', api, platform, receiverUrl: receiver.url, mark: 'EXAMPLE' }
}, 60_000)

const operations = Object.values(routes)
  .flat()
  .map(({ operationId }) => operationId)

interface Media {
  schema: object
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

describe('every example in OpenAPI', () => {
  it('is there, and is valid by its schema', () => {
    const bodies = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId, requestBody, responses }) =>
        [requestBody, ...Object.values(responses)].flatMap((described) =>
          Object.values(described?.content ?? {}).map((media) => ({ name: operationId, media })),
        ),
      ),
    )
    const errors = Object.entries(document.components.responses).flatMap(([name, { content }]) =>
      Object.values(content).map((media) => ({ name, media })),
    )
    const wrong = [...bodies, ...errors].flatMap(({ name, media }) => {
      const { schema, example, examples }: Media = media
      const values = examples ? Object.values(examples).map(({ value }) => value) : [example]
      return values.flatMap((value) => problemsOf(schema, value).map((problem) => `${name}: ${problem}`))
    })
    expect(wrong).toEqual([])
    expect(bodies.length).toBeGreaterThan(operations.length)
    const codes = errors.flatMap(({ media }) => Object.keys(media.examples ?? {}))
    expect(codes.toSorted()).toEqual(Object.keys(errorCodes).toSorted())
  })

  // The sender compares the answer with OpenAPI.
  it.each(routeTable.map(({ name }) => name))('succeeds when it is sent: %s', async (name) => {
    const call = await callOf(name, world)
    const { method, path } = requestLine(name, call)
    const example = findOperation(method, path)?.operation.requestBody?.content['application/json']?.example
    const body = example === undefined ? undefined : await aboutRealThings(example, call)
    const answer = await sender.send({
      method,
      target: path,
      headers: {
        authorization: `Bearer ${isPlatforms(name) ? adminKey : world.key}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: body === undefined ? undefined : Buffer.from(body),
    })
    const { status, text } = answer
    expect({ status, text }).toMatchObject({ status: expect.toBeOneOf([200, 201, 202, 204, 207]) })
  })
})

/** Puts the ids, names and addresses of real things in the place of those in an example. */
async function aboutRealThings(
  example: unknown,
  { params = {}, body = {} }: Awaited<ReturnType<typeof callOf>>,
) {
  const { confirm = '' } = body as { confirm?: string }
  const destinationId = await destinationOf(params)
  const text = JSON.stringify(example)
    .replaceAll(exampleUrl, world.receiverUrl)
    .replaceAll(exampleIds.destination, destinationId)
    .replaceAll('"confirm":"Acme"', `"confirm":${JSON.stringify(confirm)}`)
  if (!text.includes(exampleAddress)) return text
  const path = `/destinations/${params.destinationId ?? params.id}`
  const { recipients } = (await world.api.get(path).expect(200)).body as { recipients: { address: string }[] }
  return text.replaceAll(exampleAddress, recipients[0]?.address ?? '')
}

/** The destination of the event that a call is about, or a new one. */
async function destinationOf({ id = '' }: Record<string, string>): Promise<string> {
  if (!id.startsWith('evt_')) return aDestination(world)
  const { deliveries } = await readLog(world.api, id)
  return deliveries[0]?.destinationId ?? aDestination(world)
}
