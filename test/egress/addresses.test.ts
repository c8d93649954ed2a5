import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { isPublic, parseAddress, specialIPv4, specialIPv6 } from '../../src/egress/addresses.ts'
import { createGate } from '../../src/egress/gate.ts'
import { parseSmtpUrl } from '../../src/channels/email/smtp-connection.ts'

const isOpen = (text: string) => {
  const address = parseAddress(text)
  return address !== undefined && isPublic(address)
}
const gate = createGate({ allow: [], sandboxLoopback: false })
const refusalOf = (host: string) => gate.refusal({ host, port: 443, service: 'http' }, 'production')?.name

/** An address of a block, its other bits drawn at random. */
function within(cidr: string): fc.Arbitrary<string> {
  const [network, bits] = ipaddr.parseCIDR(cidr)
  const fixed = network.toByteArray()
  return fc.uint8Array({ minLength: fixed.length, maxLength: fixed.length }).map((random) => {
    const bytes = fixed.map((byte, n) => {
      const mask = (0xff << Math.max(0, 8 - Math.max(0, bits - 8 * n))) & 0xff
      return (byte & mask) | ((random[n] ?? 0) & ~mask & 0xff)
    })
    return ipaddr.fromByteArray(bytes).toString()
  })
}

const special4 = fc.constantFrom(...specialIPv4.map(([cidr]) => cidr)).chain(within)
const special6 = fc
  .constantFrom(...specialIPv6.map(([cidr]) => cidr).filter((cidr) => cidr !== '64:ff9b::/96'))
  .chain(within)
const any4 = within('0.0.0.0/0')
const any6 = within('::/0')

/** One number in decimal, octal or hex, with zeros in front. */
const spelledNumber = (value: number) =>
  fc
    .record({ base: fc.constantFrom('', '0', '0x', '0X'), zeros: fc.nat(3) })
    .map(({ base, zeros }) =>
      base === '' ? String(value) : `${base}${'0'.repeat(zeros)}${value.toString(base === '0' ? 8 : 16)}`,
    )

/** An IPv4 address in one of the spellings that URL parsers take: one to four parts, each in its own base, in odd letters. */
function spelled(address: string): fc.Arbitrary<string> {
  const bytes = ipaddr.IPv4.parse(address).toByteArray()
  const parts = fc.integer({ min: 1, max: 4 }).chain((count) => {
    const head = bytes.slice(0, count - 1)
    const tail = bytes.slice(count - 1).reduce((sum, byte) => sum * 256 + byte, 0)
    return fc.tuple(...[...head, tail].map(spelledNumber))
  })
  const letters = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    (text) => text.replace(/\d/g, (digit) => `%3${digit}`),
  )
  return fc
    .tuple(parts, fc.constantFrom('.', '。', '．', '%2e'), fc.constantFrom('', '.'), letters)
    .map(([numbers, dot, end, letter]) => letter(numbers.join('\u0001')).replaceAll('\u0001', dot) + end)
}

const hexPairs = (address: string) => {
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(address).toByteArray()
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

/** The ways to carry an IPv4 address in IPv6. Only the last may be open, and only where that address is. */
const carriers: ((v4: string) => string)[] = [
  (v4) => `::ffff:${v4}`,
  (v4) => `::${hexPairs(v4)}`,
  (v4) => `::ffff:0:${v4}`,
  (v4) => `64:ff9b:1::${v4}`,
  (v4) => `2002:${hexPairs(v4)}::1`,
  (v4) => `2001::${hexPairs(v4)}`,
  (v4) => `2606:4700::5efe:${v4}`,
  (v4) => `2606:4700::200:5efe:${v4}`,
  (v4) => `fe80::5efe:${v4}`,
]

describe('the registries', () => {
  it.each([...specialIPv4, ...specialIPv6].filter(([cidr]) => cidr !== '64:ff9b::/96'))(
    '%s (%s, %s) is closed from end to end',
    (cidr) => {
      const [network, bits] = ipaddr.parseCIDR(cidr)
      const bytes = network.toByteArray()
      const last = bytes.map((byte, n) => byte | (0xff >> Math.min(8, Math.max(0, bits - 8 * n))))
      for (const end of [bytes, last]) expect(isOpen(ipaddr.fromByteArray(end).toString())).toBe(false)
    },
  )

  it('each entry is one block, written as the registry writes it', () => {
    const cidrs = [...specialIPv4, ...specialIPv6].map(([cidr]) => cidr)
    expect(new Set(cidrs).size).toBe(cidrs.length)
    for (const cidr of cidrs) {
      const [network, bits] = ipaddr.parseCIDR(cidr)
      const kind = network.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
      expect(kind.networkAddressFromCIDR(cidr).toString()).toBe(network.toString())
      expect(bits).toBeGreaterThan(0)
    }
  })
})

describe('for every address', () => {
  it('of a closed block: it is refused in every spelling, as a web address and as a mail server', () => {
    fc.assert(
      fc.property(
        special4.chain((address) => spelled(address)),
        (host) => {
          expect(refusalOf(host)).toBe('address')
          expect(refusalOf(parseSmtpUrl(`smtp://${host}`).host)).toBe('address')
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('the spellings are good ones: a public address is let out in each', () => {
    const open = any4.filter(isOpen).chain((address) => fc.tuple(fc.constant(address), spelled(address)))
    fc.assert(
      fc.property(open, ([address, host]) => {
        expect(refusalOf(host)).toBeUndefined()
        expect(parseSmtpUrl(`smtp://${host}`).host).toBe(address)
      }),
      { numRuns: 3000 },
    )
  })

  it('of a closed block of IPv6: it is refused', () => {
    fc.assert(
      fc.property(special6, (address) => {
        expect(isOpen(address)).toBe(false)
        expect(refusalOf(`[${address}]`)).toBe('address')
      }),
      { numRuns: 3000 },
    )
  })

  it('of IPv6 outside 2000::/3: it is refused, but for NAT64’s prefix, which is as open as the address that it carries', () => {
    fc.assert(
      fc.property(any6, any4, (v6, v4) => {
        if (!/^[23]...:/.test(v6)) expect(isOpen(v6)).toBe(false)
        expect(isOpen(ipaddr.parse(`64:ff9b::${v4}`).toString())).toBe(isOpen(v4))
      }),
      { numRuns: 3000 },
    )
  })

  it('of IPv4, carried in IPv6 in any other way: it is refused, whatever it is', () => {
    fc.assert(
      fc.property(any4, fc.constantFrom(...carriers), (v4, carry) => {
        expect(refusalOf(`[${carry(v4)}]`)).toBe('address')
      }),
      { numRuns: 3000 },
    )
  })
})
