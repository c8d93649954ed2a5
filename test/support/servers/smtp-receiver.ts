import type { AddressInfo } from 'node:net'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer } from 'smtp-server'

/** Where in the conversation a mail is refused, and with which reply. */
export interface Refusal {
  at: 'connect' | 'auth' | 'mail' | 'recipient' | 'data'
  code: number
  text?: string | undefined
  /** Only this recipient is refused. */
  recipient?: string
}

export interface SmtpReceiver {
  port: number
  mails: ParsedMail[]
  /** Of the mails, in their order: who it was handed in by, and for whom. */
  envelopes: { from: string; to: string[] }[]
  /** Connections made, whatever came of them. */
  connections: number
  /** Mails begun (`MAIL FROM`), whatever came of them. */
  begun: number
  login: { user: string; password: string } | undefined
  /** Of the mails, in their order: whether they came over TLS. */
  secure: boolean[]
  stop(): Promise<void>
}

/** A real SMTP server on loopback that keeps what it took, or refuses as it is told. */
export async function startSmtpReceiver(
  refusal?: Refusal,
  options: { tls?: boolean; startTls?: { key: string; cert: string } } = {},
): Promise<SmtpReceiver> {
  function refused(at: Refusal['at'], recipient?: string): Error | null {
    if (refusal?.at !== at || (refusal.recipient && refusal.recipient !== recipient)) return null
    return Object.assign(new Error(refusal.text ?? 'as the test wants it'), { responseCode: refusal.code })
  }
  const server = new SMTPServer({
    secure: options.tls ?? false,
    authOptional: true,
    allowInsecureAuth: true,
    ...options.startTls,
    disabledCommands: options.startTls ? [] : ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(_session, done) {
      receiver.connections++
      done(refused('connect'))
    },
    onAuth({ username, password }, _session, done) {
      receiver.login = { user: username ?? '', password: password ?? '' }
      const error = refused('auth')
      if (error) done(error)
      else done(null, { user: username })
    },
    onMailFrom(_address, _session, done) {
      receiver.begun++
      done(refused('mail'))
    },
    onRcptTo: ({ address }, _session, done) => done(refused('recipient', address)),
    onData(stream, { secure, envelope: { mailFrom, rcptTo } }, done) {
      simpleParser(stream).then((mail) => {
        const error = refused('data')
        if (!error) receiver.mails.push(mail)
        if (!error) receiver.secure.push(secure)
        if (!error)
          receiver.envelopes.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
          })
        done(error)
      }, done)
    },
  })
  server.on('error', () => undefined) // A client that breaks off is what some tests are about.
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: SmtpReceiver = {
    port: (server.server.address() as AddressInfo).port,
    mails: [],
    envelopes: [],
    connections: 0,
    begun: 0,
    login: undefined,
    secure: [],
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
  return receiver
}
