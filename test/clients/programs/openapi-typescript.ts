import createClient from 'openapi-fetch'
import type { paths } from './generated/api'

const { BASE_URL, API_KEY, RECEIVER_URL = '' } = process.env
const client = createClient<paths>({ baseUrl: BASE_URL, headers: { Authorization: `Bearer ${API_KEY}` } })

const made = await client.POST('/api/v1/destinations', {
  body: {
    name: 'openapi-typescript',
    channel: 'webhook',
    config: { url: RECEIVER_URL },
    subscription: { eventTypes: ['aml.*'] },
  },
})
if (!made.data) throw new Error(made.error.detail)
const sent = await client.POST('/api/v1/events', { body: { type: 'aml.match.found', data: { score: 1 } } })
if (!sent.data) throw new Error(sent.error.detail)
for (;;) {
  const { data, error } = await client.GET('/api/v1/events/{id}', { params: { path: { id: sent.data.id } } })
  if (!data) throw new Error(error.detail)
  const delivery = data.deliveries.find(({ destinationId }) => destinationId === made.data.id)
  if (delivery?.status === 'delivered') break
  await new Promise((resolve) => setTimeout(resolve, 100))
}
console.log('delivered')
