import express, { type Request } from 'express'
import { Webhook } from 'standardwebhooks'
import { serve, take, toDelivery, type Read } from './receiver.ts'

/** "Webhook Event Common Fields" of Dataspike’s API reference, and the example payload of Dataspike’s guide. */
interface DataspikeEvent {
  id: string
  webhook_id: string
  event_type: string
  timestamp: string
  payload: unknown
}

/** The documents say that a request is signed and not how: by the headers of Standard Webhooks, over the raw bytes. */
export const readDataspike: Read = ({ headers, body }, { secret }) => {
  new Webhook(secret).verify(body, headers as Record<string, string>)
  const { id, webhook_id, event_type, timestamp, payload } = JSON.parse(body.toString()) as DataspikeEvent
  return { id, webhook_id, event_type, timestamp, payload }
}

/**
 * "Example Node.js handler" of Dataspike’s guide: Express, its JSON parser, POST /dataspike/webhook, sendStatus(200). Added are the
 * check of the signature, for which `verify` keeps the raw bytes, and a limit above Express's 100 kB, which is below
 * what an event may have. Printed there, too, is `event.event`, a field that no payload of either document has.
 */
export const startDataspike = () =>
  serve('/dataspike/webhook', (book) => {
    const rawBodies = new WeakMap<object, Buffer>()
    const app = express()
    app.use(express.json({ limit: '1mb', verify: (req, _res, bytes) => void rawBodies.set(req, bytes) }))

    app.post('/dataspike/webhook', (req: Request, res) => {
      const event = req.body as DataspikeEvent
      const delivery = toDelivery(req, rawBodies.get(req) ?? Buffer.alloc(0))
      // What the handler goes by is what Express parsed; that the bytes say the same is a part of reading them.
      const { reading } = take(sameAs(event), delivery, book)
      res.sendStatus(reading ? 200 : 401)
    })
    return app
  })

function sameAs(event: DataspikeEvent): Read {
  return (delivery, keys) => ({ ...readDataspike(delivery, keys), payload: event.payload })
}
