import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeAcknowledgeToken, readAcknowledgeToken } from '../../../../src/domain/crypto/acknowledge-link.ts'
import {
  createEmailLinks,
  makeConfirmToken,
  makeUnsubscribeToken,
  readConfirmToken,
  readUnsubscribeToken,
} from '../../../../src/domain/email/link.ts'

const [current, former, stranger] = ['a', 'b', 'c'].map((id) => ({ id, key: randomBytes(32) }))
if (!current || !former || !stranger) throw new Error('three keys were made')
const keys = [current, former]
const ref = { destinationId: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9c', address: "o'neil+aml@sub.acme-bank.example" }
const asked = { ...ref, since: 1_795_000_000_123, expiresAt: 1_795_604_800_123 }

describe('a token', () => {
  it('says whom it is for and until when, whatever signs an address has', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.nat(), fc.nat(), (address, since, expiresAt) => {
        const given = { destinationId: ref.destinationId, address, since, expiresAt }
        expect(readConfirmToken(makeConfirmToken(given, keys), keys)).toEqual(given)
        const { since: _since, expiresAt: _expires, ...recipient } = given
        expect(readUnsubscribeToken(makeUnsubscribeToken(recipient, keys), keys)).toEqual(recipient)
      }),
    )
  })

  it('of one kind is worth nothing as another', () => {
    const [confirm, unsubscribe] = [makeConfirmToken(asked, keys), makeUnsubscribeToken(ref, keys)]
    const event = {
      tenantId: 'ten_1',
      environment: 'sandbox',
      eventId: 'evt_1',
      destinationId: 'dst_1',
    } as const
    const acknowledge = makeAcknowledgeToken(event, keys)
    expect(readUnsubscribeToken(confirm, keys)).toBeUndefined()
    expect(readConfirmToken(unsubscribe, keys)).toBeUndefined()
    for (const token of [confirm, unsubscribe]) expect(readAcknowledgeToken(token, keys)).toBeUndefined()
    for (const read of [readConfirmToken, readUnsubscribeToken])
      expect(read(acknowledge, keys)).toBeUndefined()
    // Nor with the parts of the other kind behind its signature.
    const [version, signature] = unsubscribe.split('.')
    const parts = confirm.split('.').slice(2)
    expect(readConfirmToken([version, signature, ...parts].join('.'), keys)).toBeUndefined()
  })

  it('is worth nothing once anything of it was changed', () => {
    for (const token of [makeConfirmToken(asked, keys), makeUnsubscribeToken(ref, keys)])
      fc.assert(
        fc.property(fc.nat(token.length - 1), fc.constantFrom(...'aZ9-_.'), (at, char) => {
          const changed = token.slice(0, at) + char + token.slice(at + 1)
          fc.pre(changed !== token)
          expect(readConfirmToken(changed, keys)).toBeUndefined()
          expect(readUnsubscribeToken(changed, keys)).toBeUndefined()
        }),
      )
  })

  it.each(['', '1', '1.', '1..', '...', '1.x.y.z', '1.x.y.z.a.b', `${makeUnsubscribeToken(ref, keys)}.more`])(
    'is not made of %j',
    (token) => {
      expect(readConfirmToken(token, keys)).toBeUndefined()
      expect(readUnsubscribeToken(token, keys)).toBeUndefined()
    },
  )

  it('is good for as long as its key is among the keys', () => {
    const token = makeUnsubscribeToken(ref, [former])
    expect(readUnsubscribeToken(token, keys)).toEqual(ref)
    expect(readUnsubscribeToken(token, [current])).toBeUndefined()
    expect(readUnsubscribeToken(makeUnsubscribeToken(ref, [stranger]), keys)).toBeUndefined()
  })
})

it('links stand below the public URL, at a path of their own, and need no encoding', () => {
  const links = createEmailLinks('https://switchyard.example/below/', keys)
  expect(links.confirm(asked)).toMatch(/^https:\/\/switchyard\.example\/below\/email\/confirm\/1\.[\w.-]+$/)
  expect(links.unsubscribe(ref)).toMatch(
    /^https:\/\/switchyard\.example\/below\/email\/unsubscribe\/1\.[\w.-]+$/,
  )
})
