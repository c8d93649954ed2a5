import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'

const KEPT_MAILS = 200

export interface CaughtMail {
  /** ISO time of receipt. */
  at: string
  from: string
  to: string[]
  subject: string
  messageId: string
  /** Names in lower case, values as they were sent, unfolded. */
  headers: Record<string, string>
  text: string
  html: string
}

export interface MailCatcher {
  smtpUrl: string
  /** The newest 200, oldest first. */
  mails: CaughtMail[]
  stop: () => Promise<void>
}

export interface MailCatcherOptions {
  /** Absent: a free one. */
  port?: number
  /** The folder to which each mail is also written: complete (`.eml`), and as readable text (`.txt`) with unbroken links. */
  folder?: string
  onMail?: (mail: CaughtMail) => void
}

/** An SMTP server on loopback that takes every mail and delivers none. */
export async function startMailCatcher(options: MailCatcherOptions): Promise<MailCatcher> {
  const { folder } = options
  if (folder) mkdirSync(folder, { recursive: true })
  const mails: CaughtMail[] = []
  let received = 0

  async function take(stream: SMTPServerDataStream, recipients: string[]): Promise<void> {
    const source = await readAll(stream)
    const at = new Date().toISOString()
    received += 1
    const file = folder && join(folder, `${at.replaceAll(':', '-')}-${received}`)
    if (file) await writeFile(`${file}.eml`, source)
    const mail = describe(await simpleParser(source), at, recipients)
    if (file) await writeFile(`${file}.txt`, readable(mail))
    mails.push(mail)
    if (mails.length > KEPT_MAILS) mails.shift()
    options.onMail?.(mail)
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'anyone' }),
    onData(stream, session, done) {
      const recipients = session.envelope.rcptTo.map((recipient) => recipient.address)
      take(stream, recipients).then(() => done(), done)
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // A client that hangs up mid-mail is an error event, and must not end our process.
  server.on('error', () => undefined)
  const { port } = server.server.address() as AddressInfo
  return {
    smtpUrl: `smtp://127.0.0.1:${port}`,
    mails,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

function readable({ from, to, subject, text }: CaughtMail): string {
  return `From: ${from}\nTo: ${to.join(', ')}\nSubject: ${subject}\n\n${text}\n`
}

async function readAll(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** `recipients` come from the envelope, which unlike the To header includes Bcc. */
function describe(mail: ParsedMail, at: string, recipients: string[]): CaughtMail {
  return {
    at,
    from: mail.from?.text ?? '',
    to: recipients,
    subject: mail.subject ?? '',
    messageId: mail.messageId ?? '',
    headers: Object.fromEntries(
      mail.headerLines.map(({ key, line }) => [
        key,
        line
          .slice(key.length + 1)
          .replace(/\r?\n\s+/g, ' ')
          .trim(),
      ]),
    ),
    text: mail.text ?? '',
    html: mail.html || '',
  }
}
