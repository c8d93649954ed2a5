import { access, constants, stat } from 'node:fs/promises'
import { createTransport } from 'nodemailer'
import { connectToPlatform } from '../../channels/email/smtp-connection.ts'
import { classifyMailError } from '../../channels/email/sending.ts'
import type { Config } from '../../config.ts'
import { egressRules } from '../../config-egress.ts'
import { createEgress, type Egress } from '../../egress/egress.ts'
import { createGate, type Target } from '../../egress/gate.ts'
import { describeNetworkError } from '../../egress/network.ts'
import { EgressRefused } from '../../egress/refused.ts'
import { failed, ok, warning, type Check, type Finding } from './examination.ts'

const timeoutMs = 8_000

export interface Outgoing {
  checks: Check[]
  close(): Promise<void>
}

/** `reach`: the URL of a receiver to connect to, as a production destination would. */
export function outgoingChecks(config: Config, reach: string | undefined): Outgoing {
  const egress = createEgress(rulesOf(config))
  const checks: Check[] = [
    { name: 'Egress', run: () => Promise.resolve(checkEgress(config)), remedy: 'Correct EGRESS_ALLOW.' },
    ...(reach === undefined
      ? []
      : [
          {
            name: 'Reach',
            run: (signal: AbortSignal) => checkReach(egress, new URL(reach), signal),
            remedy: 'Correct the URL.',
          },
        ]),
    {
      name: 'SMTP',
      run: (signal) => checkSmtp(config, egress, signal),
      remedy: 'Does the mail server of SMTP_URL answer?',
    },
    { name: 'Links', run: () => Promise.resolve(checkLinks(config)), remedy: 'Correct PUBLIC_URL.' },
    {
      name: 'Archive',
      run: () => checkArchive(config),
      remedy: 'Make ARCHIVE a folder that this account may write to.',
    },
  ]
  return { checks, close: () => egress.close() }
}

const rulesOf = (config: Config) => ({ ...egressRules(config), sandboxLoopback: false })

/** Addresses that no tenant should reach. Metadata services hand out the machine's credentials. */
const guarded: readonly (readonly [what: string, host: string])[] = [
  ['this host itself', '127.0.0.1'],
  ['this host itself', '::1'],
  ['the cloud’s metadata service', '169.254.169.254'],
  ['the cloud’s metadata service', 'fd00:ec2::254'],
]

function checkEgress(config: Config): Finding {
  const gate = createGate(rulesOf(config))
  const isOpen = (target: Target) => gate.refusal(target, 'production') === undefined
  const own: [string, string][] = [
    ['PostgreSQL', config.DATABASE_URL && new URL(config.DATABASE_URL).hostname],
    ['Temporal', config.TEMPORAL_ADDRESS?.replace(/:\d+$/, '')],
  ].flatMap(([what, host]) => (what && host ? [[what, host] satisfies [string, string]] : []))
  const exposed = [...guarded, ...own]
    .filter(([, host]) => isOpen({ host, port: 443, service: 'http' }) && !isPublicName(config, host))
    .map(([what, host]) => `${what} (${host})`)
  if (exposed.length > 0)
    return failed(
      `EGRESS_ALLOW lets tenants send requests to ${exposed.join(', ')}`,
      'Narrow EGRESS_ALLOW, or add the addresses to EGRESS_DENY: docs/operations/egress.md.',
    )
  if (!isOpen({ host: 'receiver.example', port: 443, service: 'http' }))
    return failed(
      'EGRESS_PORTS does not contain 443, so no https destination can be reached',
      'Add 443 to EGRESS_PORTS, or remove the variable.',
    )
  return ok('neither this host, nor its services, nor a metadata service can be reached by destinations')
}

/** A name is open until it is looked up, and its addresses are checked then; only one that is allowed by name is exposed. */
function isPublicName(config: Config, host: string): boolean {
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':') || host === 'localhost'
  return !isAddress && !config.EGRESS_ALLOW.includes(host)
}

async function checkReach(egress: Egress, url: URL, signal: AbortSignal): Promise<Finding> {
  const tls = url.protocol === 'https:'
  const target = { host: url.hostname, port: Number(url.port) || (tls ? 443 : 80), service: 'http' } as const
  try {
    const socket = await egress.connect(target, 'production', { tls, signal })
    socket.destroy()
    return ok(`${url.host} can be reached${tls ? ', and its certificate is valid' : ''}`)
  } catch (error) {
    const { error: why } = describeNetworkError(error, timeoutMs)
    const remedy =
      error instanceof EgressRefused
        ? 'EGRESS_ALLOW, EGRESS_DENY and EGRESS_PORTS decide about this: docs/operations/egress.md.'
        : 'Check name resolution, firewalls and certificates (EGRESS_CA_FILE) from this host.'
    return failed(`${url.host} cannot be reached: ${why}`, remedy)
  }
}

/** Connects and logs in. No mail is sent. */
async function checkSmtp(config: Config, egress: Egress, signal: AbortSignal): Promise<Finding> {
  const { SMTP_URL: smtpUrl } = config
  if (smtpUrl === undefined)
    return warning(
      'SMTP_URL is not set: only destinations with a mail server of their own can send mail',
      'Set it to the URL of the platform’s mail server.',
    )
  const requireTls = config.SMTP_TLS !== 'optional'
  const transport = createTransport(connectToPlatform(smtpUrl, { egress, signal, requireTls }))
  const { host } = new URL(smtpUrl)
  try {
    await transport.verify()
    return ok(`the mail server ${host} accepts ${new URL(smtpUrl).username ? 'the login' : 'connections'}`)
  } catch (error) {
    const outcome = classifyMailError(error, timeoutMs)
    const why = outcome.kind === 'delivered' ? '' : outcome.error
    return failed(`the mail server ${host} cannot be used: ${why}`, 'Correct SMTP_URL or SMTP_TLS.')
  } finally {
    transport.close()
  }
}

function checkLinks({ PUBLIC_URL: url }: Config): Finding {
  if (url === undefined)
    return warning(
      'PUBLIC_URL is not set: messages carry no links to acknowledge or unsubscribe',
      'Set it to the URL at which people reach the API.',
    )
  return url.startsWith('https:')
    ? ok(`begin with ${url}`)
    : warning(`PUBLIC_URL ${url} is not https`, 'Use https: the links act without a login.')
}

async function checkArchive({ ARCHIVE: archive }: Config): Promise<Finding> {
  if (archive === undefined)
    return warning(
      'ARCHIVE is not set: logs are gone once the retention of the Temporal namespace ends',
      'Set it: docs/operations/retention.md.',
    )
  if (archive.kind === 's3') return ok(`s3://${archive.bucket}/${archive.prefix} (not tried)`)
  const folder = await stat(archive.path).catch(() => undefined)
  if (!folder)
    return warning(
      `${archive.path} does not exist yet`,
      'Start an API or a worker, which creates the folder.',
    )
  if (!folder.isDirectory()) throw new Error(`ENOTDIR: ${archive.path} is not a folder`)
  await access(archive.path, constants.W_OK)
  return ok(`${archive.path} can be written to`)
}
