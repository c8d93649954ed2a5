import { isIP, type Socket } from 'node:net'
import type { SMTPPoolOptions } from 'nodemailer'
import { z } from 'zod'
import type { Environment } from '../../domain/event.ts'
import type { FieldProblem } from '../../domain/field-problem.ts'
import type { Egress } from '../../egress/egress.ts'
import type { Target } from '../../egress/gate.ts'
import { canonicalHost } from '../../egress/rules.ts'
import { parseUrl } from '../../egress/parse-url.ts'
import { ambiguous } from '../../egress/url.ts'

/** The URL of a tenant's own mail server. It contains the login, and is encrypted at rest like every secret. */
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
    message:
      'must include a host, and percent-encode characters such as @ (%40) and % (%25) in the user name and password',
  })

export function smtpProblems(
  text: string,
  { environment, egress }: { environment: Environment; egress: Egress },
): FieldProblem[] {
  const refusal = egress.refusal(smtpTarget(parseSmtpUrl(text)), environment)
  return refusal ? [{ path: 'smtpUrl', message: refusal.field }] : []
}

/** Limits on a server: a reply has a few lines, and the connection is closed as soon as the mail is settled. */
const limits = { maxResponseSize: 64 * 1024, socketCloseTimeout: 0 }

export interface Opening {
  egress: Egress
  /** Aborts the attempt to connect. */
  signal: AbortSignal
  /** Sends neither the login nor the mail to a server without TLS. */
  requireTls: boolean
}

/**
 * Makes nodemailer connect to a tenant's server through the egress guard. It greets the server with a neutral address, because by
 * default nodemailer would reveal this machine's name.
 */
export function connectToTenant(
  smtpUrl: string,
  environment: Environment,
  { egress, signal, requireTls }: Opening,
): SMTPPoolOptions {
  const server = parseSmtpUrl(smtpUrl)
  return {
    ...connectBy(server, { egress, requireTls }, (tls) =>
      egress.connect(smtpTarget(server), environment, { tls, signal }),
    ),
    ...limits,
    name: '[127.0.0.1]',
  }
}

/** Makes nodemailer connect to the platform's own server. */
export function connectToPlatform(smtpUrl: string, { egress, signal, requireTls }: Opening): SMTPPoolOptions {
  const server = parseSmtpUrl(smtpUrl)
  return connectBy(server, { egress, requireTls }, (tls) =>
    egress.connectUnguarded(smtpTarget(server), { tls, signal }),
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
    // Used for STARTTLS, which nodemailer does by itself.
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

/** Parses an SMTP URL. The URL parser leaves the hosts of SMTP URLs as they were written, so they are canonicalized here. */
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

function smtpTarget({ host, port }: { host: string; port: number }): Target {
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
