import { Resolver } from 'node:dns/promises'
import { createServer, Packet } from 'dns2'
import type { LookUp } from '../../../src/egress/egress.ts'

/** What a name has at the first look-up, the second, …; the last stands. `undefined`: there is no such name. */
type Zone = Record<string, (string[] | undefined)[]>

export interface NameServer {
  /** Asks this server, and nobody else. Nothing is kept from one look-up to the next (TTL 0). */
  lookUp: LookUp
  /** How often a name was looked up. */
  lookUps(name: string): number
  stop(): Promise<unknown>
}

/** RFC 1035 §4.1.1. */
const noSuchName = 3

/** A real DNS server on loopback, whose answers may change from one look-up to the next. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const asked = new Map<string, number>()
  const server = createServer({
    udp: true,
    handle(request, send) {
      const response = Packet.createResponseFromRequest(request)
      const [question] = request.questions
      if (!question) throw new Error('a question without a question')
      const turn = count(asked, `${question.type} ${question.name}`)
      const addresses = zone[question.name]?.slice(0, turn).at(-1)
      if (!addresses) response.header.rcode = noSuchName
      const isOfType = (address: string) => address.includes(':') === (question.type === Packet.TYPE.AAAA)
      for (const address of (addresses ?? []).filter(isOfType))
        response.answers.push(Packet.createResourceFromQuestion(question, { address, ttl: 0 }))
      void send(response)
    },
  })
  const { udp } = await server.listen({ udp: { port: 0, address: '127.0.0.1' } })
  if (!udp) throw new Error('the name server does not listen')
  const resolver = new Resolver({ timeout: 5_000, tries: 2 })
  resolver.setServers([`127.0.0.1:${udp.port}`])
  return {
    async lookUp(host) {
      const [v6, v4] = await Promise.all([
        resolver.resolve6(host).catch(orNone),
        resolver.resolve4(host).catch(orNone),
      ])
      const found = [
        ...v6.map((address) => ({ address, family: 6 })),
        ...v4.map((address) => ({ address, family: 4 })),
      ]
      if (found.length === 0) throw Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' })
      return found
    },
    lookUps: (name) => asked.get(`${Packet.TYPE.A} ${name}`) ?? 0,
    stop: () => server.close(),
  }
}

function count(counts: Map<string, number>, key: string): number {
  const next = (counts.get(key) ?? 0) + 1
  counts.set(key, next)
  return next
}

/** Without records of one family a name may have the other's. */
function orNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return []
  throw error
}
