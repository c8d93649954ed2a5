import { createDestination, getEvent, sendEvent } from './generated'
import { client } from './generated/client.gen'

const { BASE_URL, API_KEY, RECEIVER_URL = '' } = process.env
client.setConfig({ baseUrl: BASE_URL, auth: API_KEY })

const made = await createDestination({
  throwOnError: true,
  body: {
    name: 'hey-api',
    channel: 'webhook',
    config: { url: RECEIVER_URL },
    subscription: { eventTypes: ['aml.*'] },
  },
})
const sent = await sendEvent({ throwOnError: true, body: { type: 'aml.match.found', data: { score: 1 } } })
for (;;) {
  const { data } = await getEvent({ throwOnError: true, path: { id: sent.data.id } })
  const delivery = data.deliveries.find(({ destinationId }) => destinationId === made.data.id)
  if (delivery?.status === 'delivered') break
  await new Promise((resolve) => setTimeout(resolve, 100))
}
console.log('delivered')
