import { Webhook } from 'standardwebhooks'
import { serveHttp, type Read } from './receiver.ts'

/** The envelope of Standard Webhooks: the Webhooks API’s document gives a `whsec_` secret "to verify webhook signatures" and no more. */
interface StandardEvent {
  type: string
  timestamp: string
  data: unknown
}

export const readWebhooksApi: Read = ({ headers, body }, { secret }) => {
  const event = new Webhook(secret).verify(body, headers as Record<string, string>) as StandardEvent
  const { type, timestamp, data } = event
  return { id: headers['webhook-id'], type, timestamp, data }
}

export const startWebhooksApi = () => serveHttp(readWebhooksApi, 204)
