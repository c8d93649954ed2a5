import { isIP, type Socket } from 'node:net'
import type { SMTPPoolOptions } from 'nodemailer'
import { z } from 'zod'
import type { Environment } from '../../domain/event.ts'
import type { FieldProblem } from '../../domain/field-problem.ts'
import type { Egress } from '../../egress/egress.ts'
import type { Target } from '../../egress/gate.ts'
import { wordsForField } from '../../egress/refused.ts'
import { canonicalHost } from '../../egress/rules.ts'
import { parseUrl } from '../../egress/parse-url.ts'
import { ambiguous } from '../../egress/url.ts'

/** A tenant's own mail server. The login stands in it, encrypted at rest like every secret. */
export const smtpUrl = z
  .string()
  .max(2048)
  .refine((text) => !ambiguous.test(text), {
    message: 'must not contain spaces, control characters or backslashes',
    abort: true,
  })
  .refine((text) => /^smtps?:\/\//i.test(text) && parseUrl(text) !== undefined, {
    message: 'must be a URL that starts with smtp:// or smtps://',
    abort: true,
  })
  .refine((text) => isUsable(new URL(text)), {
    message: 'must name a host, and write signs such as @ and % in its user name and password as %40 and %25',
  })

export function smtpProblems(
  text: string,
  { environment, egress }: { environment: Environment; egress: Egress },
): FieldProblem[] {
  const refusal = egress.refusal(targetOf(parseSmtpUrl(text)), environment)
  return refusal ? [{ path: 'smtpUrl', message: wordsForField(refusal) }] : []
}

/** What a server may make us hold: a reply has a few lines, and a connection is cut when the mail is through or not. */
const limits = { maxResponseSize: 64 * 1024, socketCloseTimeout: 0 }

export interface Opening {
  egress: Egress
  /** Ends the attempt to connect. */
  signal: AbortSignal
  /** Nothing is sent in the clear: a server without TLS gets neither the login nor the mail. */
  requireTls: boolean
}

/**
 * How nodemailer is to connect to a tenant's server: over a connection that the guard makes. It greets with an address that says
 * nothing: by default nodemailer tells the server the name of this machine.
 */
export function connectToTenant(
  smtpUrl: string,
  environment: Environment,
  { egress, signal, requireTls }: Opening,
): SMTPPoolOptions {
  const server = parseSmtpUrl(smtpUrl)
  return {
    ...connectBy(server, { egress, requireTls }, (tls) =>
      egress.connect(targetOf(server), environment, { tls, signal }),
    ),
    ...limits,
    name: '[127.0.0.1]',
  }
}

/** How nodemailer is to connect to the platform's own server. */
export function connectToPlatform(smtpUrl: string, { egress, signal, requireTls }: Opening): SMTPPoolOptions {
  const server = parseSmtpUrl(smtpUrl)
  return connectBy(server, { egress, requireTls }, (tls) =>
    egress.connectUnguarded(targetOf(server), { tls, signal }),
  )
}

function connectBy(
  server: SmtpServer,
  { egress, requireTls }: Pick<Opening, 'egress' | 'requireTls'>,
  connect: (tls: boolean) => Promise<Socket>,
): SMTPPoolOptions {
  return {
    ...server,
    requireTLS: requireTls,
    // For STARTTLS, which nodemailer starts by itself.
    tls: { secureContext: egress.secureContext, ...(!isIP(server.host) && { servername: server.host }) },
    getSocket(_options, done) {
      connect(server.secure).then(
        (connection) => done(null, { connection, secured: server.secure }),
        (error: Error) => done(error),
      )
    },
  }
}

type SmtpServer = ReturnType<typeof parseSmtpUrl>

/** URLs of this kind keep their host as it was written, so that it has to be read as a web address's is. */
export function parseSmtpUrl(text: string) {
  const { protocol, hostname, port, username, password } = new URL(text)
  const secure = protocol === 'smtps:'
  return {
    host: canonicalHost(hostname) ?? hostname,
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
  }
}

function targetOf({ host, port }: { host: string; port: number }): Target {
  return { host, port, service: 'smtp' }
}

function isUsable({ hostname, username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return hostname !== ''
  } catch {
    return false
  }
}
