import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { expect, onTestFinished, test } from 'vitest'
import { type CaughtMail, startMailCatcher } from '../../src/embedded/mail.ts'
import { scratchFolder } from './scratch.ts'

test('a mail is kept, announced and written to the folder', async () => {
  const folder = join(scratchFolder(), 'mail')
  const announced: CaughtMail[] = []
  const catcher = await startMailCatcher({ folder, onMail: (mail) => announced.push(mail) })
  onTestFinished(() => catcher.stop())
  const transport = createTransport({ url: catcher.smtpUrl, auth: { user: 'any', pass: 'thing' } })
  await transport.sendMail({
    from: 'Switchyard <no-reply@example.com>',
    to: 'oncall@example.com',
    bcc: 'audit@example.com',
    subject: 'AML match für Zoë',
    text: 'Please look.',
    html: '<p>Please look.</p>',
    headers: { 'X-Event-Id': 'evt_1' },
  })

  expect(catcher.mails).toEqual(announced)
  expect(catcher.mails).toMatchObject([
    {
      from: '"Switchyard" <no-reply@example.com>',
      to: ['oncall@example.com', 'audit@example.com'],
      subject: 'AML match für Zoë',
      text: 'Please look.',
      html: '<p>Please look.</p>',
      headers: { 'x-event-id': 'evt_1' },
    },
  ])
  expect(catcher.mails[0]?.messageId).toMatch(/^<.+>$/)
  const [file = '', text = ''] = readdirSync(folder)
  expect(file).toMatch(/^\d{4}-.*Z-1\.eml$/)
  expect(readFileSync(join(folder, text), 'utf8')).toBe(
    'From: "Switchyard" <no-reply@example.com>\nTo: oncall@example.com, audit@example.com\nSubject: AML match für Zoë\n\nPlease look.\n',
  )
  expect(readFileSync(join(folder, file), 'utf8')).toContain(
    'Subject: =?UTF-8?Q?AML_match_f=C3=BCr_Zo=C3=AB?=',
  )
})

test('only the newest 200 are kept in memory', async () => {
  const catcher = await startMailCatcher({})
  onTestFinished(() => catcher.stop())
  const transport = createTransport({ url: catcher.smtpUrl, pool: true })
  onTestFinished(() => transport.close())
  for (let number = 1; number <= 203; number += 1) {
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: `${number}` })
  }
  expect(catcher.mails).toHaveLength(200)
  expect(catcher.mails.at(0)?.subject).toBe('4')
  expect(catcher.mails.at(-1)?.subject).toBe('203')
})
