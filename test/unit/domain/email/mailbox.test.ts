import { describe, expect, it } from 'vitest'
import { mailboxKey } from '../../../../src/domain/email/mailbox.ts'

describe('addresses of one mailbox', () => {
  it.each([
    ['Victim@Example.com', 'victim@example.com'],
    ['victim+1@example.com', 'victim@example.com'],
    ['victim+1+2@EXAMPLE.com', 'victim@example.com'],
    ['v.i.ctim+x@gmail.com', 'victim@gmail.com'],
    ['Victim@GoogleMail.com', 'victim@gmail.com'],
    ['"a@b"+1@example.com', '"a@b"@example.com'],
  ])('%s is %s', (address, mailbox) => {
    expect(mailboxKey(address)).toBe(mailbox)
  })

  it.each([
    ['first.last@example.com', 'firstlast@example.com'],
    ['a+b@one.example', 'a+b@two.example'],
    ['+a@example.com', '+b@example.com'],
  ])('%s is another one than %s', (one, other) => {
    expect(mailboxKey(one)).not.toBe(mailboxKey(other))
  })
})
