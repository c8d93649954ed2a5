import { describe, expect, it } from 'vitest'
import { createEgress, EgressRefused } from '../../src/channels/egress.ts'
import { httpUrl, urlProblems } from '../../src/channels/url.ts'

/** Every way to write an address that is not a public one, as the host of a URL. */
const hostile = [
  // Loopback, and how a URL may spell it.
  '127.0.0.1', '127.0.0.2', '127.255.255.254', '127.1', '127.0.1', '2130706433', '017700000001', '0x7f000001', '0x7f.1',
  '0177.0.0.1', '0x7f.0x0.0x0.0x1', '127.0.0.1.', '１２７.０.０.１', '127。0。0。1', '%31%32%37.0.0.1', '[::1]',
  '[0:0:0:0:0:0:0:1]', '[0000:0000::0001]',
  // This host, and this network.
  '0', '0.0.0.0', '0.1.2.3', '[::]',
  // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP-like.
  '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]', '[::7f00:1]', '[::10.0.0.1]', '[::a9fe:a9fe]', '[::ffff:0:127.0.0.1]', '[::ffff:0:7f00:1]',
  '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::a00:1]', '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]', '[2002:a00:1::1]', '[2001::7f00:1]', '[2001:0:7f00:1::]',
  // Private networks.
  '10.0.0.1', '10.255.255.255', '0xa.1', '012.1', '167772161', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.1',
  '[fc00::1]', '[fd00::1]', '[fd00:ec2::254]', '[fdff:ffff::1]', '[fec0::1]',
  // Link-local, and the metadata of clouds.
  '169.254.0.1', '169.254.169.254', '169.254.169.123', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518',
  '100.100.100.200', '192.0.0.192', '[fe80::1]', '[fe80::a9fe:a9fe]', '[febf::1]',
  // Shared address space (CGNAT).
  '100.64.0.1', '100.127.255.254',
  // Documentation, benchmarks, protocol assignments, relays, multicast, reserved, broadcast.
  '192.0.0.1', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255', '192.88.99.1', '224.0.0.1',
  '239.255.255.255', '240.0.0.1', '255.255.255.255', '[2001:db8::1]', '[3fff::1]', '[2001:2::1]', '[2001:10::1]',
  '[2001:20::1]', '[100::1]', '[100:0:0:1::1]', '[5f00::1]', '[ff02::1]', '[ff0e::1]', '[4000::1]', '[8000::1]', '[1::1]',
] // prettier-ignore

const open = ['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '169.253.1.1', '192.167.1.1', '[2606:4700:4700::1111]', '[2a00:1450:4001:830::200e]'] // prettier-ignore

const hostOf = (text: string) => new URL(`https://${text}/`).hostname
const guard = createEgress({ allow: [], sandboxLoopback: false })
const attempt = async (
  egress: typeof guard,
  host: string,
  environment: 'production' | 'sandbox' = 'production',
) => egress.resolve(host, environment).catch((error: unknown) => error)

describe('the egress guard', () => {
  it('is tried with a good many spellings', () => {
    expect(new Set(hostile).size).toBe(hostile.length)
    expect(hostile.length).toBeGreaterThan(60)
  })

  it.each(hostile)('keeps out %s', async (text) => {
    const host = hostOf(text)
    expect(guard.refusal(host, 'production')).toContain('not a public address')
    expect(guard.refusal(host, 'sandbox')).toContain('not a public address')
    expect(await attempt(guard, host)).toBeInstanceOf(EgressRefused)
  })

  it.each(hostile)('tells a tenant so at once: https://%s/', (text) => {
    const url = `https://${text}/`
    expect(httpUrl.safeParse(url).success).toBe(true)
    expect(urlProblems('url', url, { environment: 'production', egress: guard })).toMatchObject([
      { path: 'url' },
    ])
  })

  it.each(open)('lets out %s', async (text) => {
    const host = hostOf(text)
    expect(guard.refusal(host, 'production')).toBeUndefined()
    expect(await attempt(guard, host)).toBe(host.replace(/[[\]]/g, ''))
  })

  it.each(['localhost', 'LOCALHOST', '2130706433', '0x7f000001', '127.1'])(
    'keeps out %s when it is not a URL’s host but looked up, as in smtp://',
    async (host) => {
      expect(await attempt(guard, host)).toBeInstanceOf(EgressRefused)
    },
  )

  it('says nothing of the address that a name has', async () => {
    expect(String(await attempt(guard, 'localhost'))).not.toMatch(/127|::1/)
  })

  it('passes on that a name is not known', async () => {
    expect(await attempt(guard, 'no-such-host.invalid')).toMatchObject({
      code: expect.stringMatching(/^E(NOTFOUND|AI_AGAIN)$/) as string,
    })
  })

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
    'opens loopback to the sandbox only, where the installation says so: %s',
    async (host) => {
      const loopback = createEgress({ allow: [], sandboxLoopback: true })
      expect(loopback.refusal(hostOf(host), 'sandbox')).toBeUndefined()
      expect(await attempt(loopback, hostOf(host), 'sandbox')).toEqual(expect.any(String))
      expect(await attempt(loopback, hostOf(host), 'production')).toBeInstanceOf(EgressRefused)
    },
  )

  it.each(['10.0.0.1', '169.254.169.254', '[fe80::1]', '0.0.0.0', '[::]', '[::7f00:1]'])(
    'opens nothing else to the sandbox: %s',
    async (host) => {
      const loopback = createEgress({ allow: [], sandboxLoopback: true })
      expect(await attempt(loopback, hostOf(host), 'sandbox')).toBeInstanceOf(EgressRefused)
    },
  )

  it.each<[entry: string, host: string, allowed: boolean]>([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '[::ffff:10.1.2.3]', true],
    ['10.0.0.0/8', '11.0.0.1', true],
    ['10.0.0.0/8', '172.16.0.1', false],
    ['10.1.0.0/16', '10.2.0.1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1/32', '10.0.0.2', false],
    ['fd00::/8', '[fd12::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['fd00::/8', '10.0.0.1', false],
    ['::1', '[::1]', true],
    ['::1', '127.0.0.1', false],
    ['0.0.0.0/0', '[::1]', false],
    ['::/0', '[::1]', true],
    ['::/0', '10.0.0.1', false],
    ['localhost', 'localhost', true],
    ['LocalHost', 'localhost', true],
    ['localhost', '127.0.0.1', false],
    ['localhos', 'localhost', false],
    ['*', 'localhost', false],
    ['127.0.0.0/8', 'localhost', true],
  ])('with EGRESS_ALLOW=%s lets out %s: %s', async (entry, host, allowed) => {
    const egress = createEgress({ allow: ['192.0.2.77', entry], sandboxLoopback: false })
    const result = await attempt(egress, host)
    if (allowed) expect(result).toEqual(expect.any(String))
    else expect(result).toBeInstanceOf(EgressRefused)
  })
})
