import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { fieldMessage } from './api/fields/messages.ts'
import { queryKeyPolicies } from './api/auth/request-key.ts'
import { channels } from './channels/index.ts'
import type { PortRange } from './egress/rules.ts'
import { defaultPoolSize } from './db/client.ts'
import type { SecretKeys } from './domain/crypto/secret-box.ts'

const port = z.coerce.number().int().min(1).max(65535)

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
)

const cidrs = list.refine(
  (entries) =>
    entries.every((entry) => ipaddr.isValidCIDR(entry) || /^([\w.-]+|[0-9A-Fa-f:.]+)$/.test(entry)),
  {
    message:
      'must be a comma-separated list of host names, IP addresses and CIDR ranges, without ports or wildcards',
    abort: true,
  },
)

const hostNames = list.refine(
  (entries) => entries.every((entry) => /^((\*\.)?[\w.-]+|[0-9A-Fa-f:.]+)$/.test(entry)),
  {
    message: 'must be a comma-separated list of host names such as hooks.example.com or *.example.com',
  },
)

type HostsVariable = `${string}_HOSTS`

/** Such as `SLACK_HOSTS`: the hosts that a channel's messages may go to, instead of those that the channel declares. */
function hostsVariable(channel: string): HostsVariable {
  return `${channel.toUpperCase()}_HOSTS`
}

const hostsVariables: Record<HostsVariable, z.ZodDefault<typeof hostNames>> = Object.fromEntries(
  channels.flatMap(({ hosts }) =>
    hosts ? [[hostsVariable(hosts.name), hostNames.default([...hosts.allowed])]] : [],
  ),
)

/** By a channel's name, of the channels that declare hosts. */
export function serviceHosts(config: Config): Record<string, string[]> {
  return Object.fromEntries(
    channels.flatMap(({ hosts }) => {
      const chosen = hosts && config[hostsVariable(hosts.name)]
      return chosen ? [[hosts.name, chosen]] : []
    }),
  )
}

/** Single ports and ranges, both ends included. */
const portRanges = z.string().transform((text, context): PortRange[] => {
  const ranges = text.split(',').map((entry): PortRange => {
    const [, first, last = first] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(entry) ?? []
    return [Number(first), Number(last)]
  })
  if (!ranges.every(([first, last]) => first >= 1 && first <= last && last <= 65_535)) {
    context.addIssue({
      code: 'custom',
      message: 'must be a comma-separated list of ports and port ranges such as 443,8443,10000-65535',
    })
  }
  return ranges
})

const secretKeys = z.string().transform((text, context): SecretKeys => {
  const keys = text.split(',').map((entry) => {
    const [id = '', key = ''] = entry.trim().split(':')
    return { id, key: Buffer.from(key, 'base64') }
  })
  if (keys.some(({ id, key }) => !/^[A-Za-z0-9_-]{1,32}$/.test(id) || key.length !== 32)) {
    context.addIssue({
      code: 'custom',
      message:
        'must be a comma-separated list of id:key pairs, each key 32 bytes in base64 (openssl rand -base64 32)',
    })
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    context.addIssue({ code: 'custom', message: 'must not use the same key id twice' })
  return keys
})

/** The base of links in messages. It may have a path, for a proxy that serves the API below one. */
const publicUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
  .regex(/^[^?#@]*$/, 'must not contain credentials, a query or a fragment')

/** Replaced by the file's content, which is read once, at the start. */
const certificates = z.string().transform((file, context) => {
  try {
    const pem = readFileSync(file, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  } catch {
    // Said below.
  }
  context.addIssue({
    code: 'custom',
    message: `must be the path of a readable PEM certificate file, which ${file} is not`,
  })
  return z.NEVER
})

const mailDomains = z
  .string()
  .transform((text) => text.split(',').map((entry) => domainToASCII(entry.trim()) || entry))
  .refine((entries) => entries.every((entry) => /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(entry)), {
    message: 'must be a comma-separated list of domains such as example.com, without wildcards',
  })

/** The destination's id is added to the local part, which may have at most 64 characters (RFC 5321). */
const mailBounces = z
  .email('must be an email address such as bounces@example.com')
  .refine((text) => text.lastIndexOf('@') <= 33, 'must have at most 33 characters before the @')

/** A folder, or `s3://bucket/prefix`. */
const archive = z.string().transform((text, context) => {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) return { kind: 'folder' as const, path: resolve(text) }
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? []
  if (bucket !== undefined) return { kind: 's3' as const, bucket, prefix: prefix.replace(/^\/+|\/+$/g, '') }
  context.addIssue({ code: 'custom', message: 'must be a folder or s3://bucket/prefix' })
  return z.NEVER
})

/**
 * The proxies whose `X-Forwarded-For` is trusted, as Express takes them: their number or their addresses. Not `true`, which would
 * let callers choose their address.
 */
const trustProxy = z.string().transform((text, context): number | string[] => {
  if (/^[1-9]$/.test(text)) return Number(text)
  const entries = text.split(',').map((entry) => entry.trim())
  const names = ['loopback', 'linklocal', 'uniquelocal']
  // Only four-part addresses: some parsers take `10` for an address, too.
  const isAddress = (entry: string) => ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv6.isValid(entry)
  if (entries.every((entry) => names.includes(entry) || isAddress(entry) || ipaddr.isValidCIDR(entry)))
    return entries
  context.addIssue({
    code: 'custom',
    message:
      'must be the number of proxies (1 to 9), or a comma-separated list of their IP addresses, CIDR ranges, loopback, linklocal or uniquelocal',
  })
  return z.NEVER
})

/** Origins as browsers send them: no path, no wildcard, and not `null`, which any page can have. */
const origins = z
  .string()
  .transform((text) => text.split(',').map((entry) => entry.trim()))
  .refine(
    (entries) =>
      entries.every(
        (entry) => /^https?:[^*]+$/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry,
      ),
    {
      message:
        'must be a comma-separated list of origins such as https://app.example.com, without paths or wildcards',
    },
  )

/** Every variable that Switchyard reads, with its default. Absent and empty are the same. */
const variables = z.object({
  PORT: port.default(3000),
  HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: port.optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: publicUrl.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(500).default(defaultPoolSize),
  MIGRATE_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^/\s]+:\d+$/, 'must be host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_UI_URL: z.url().optional(),
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_TLS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  DRAIN_SECONDS: z.coerce.number().min(0).max(300).default(5),
  MAX_BACKLOG_SECONDS: z.coerce.number().min(1).max(86_400).default(10),
  ADMIN_API_KEY: z.string().min(24, 'must have at least 24 characters').optional(),
  TRUST_PROXY: trustProxy.optional(),
  CORS_ORIGINS: origins.optional(),
  API_KEY_IN_QUERY: z.enum(queryKeyPolicies).default('sandbox'),
  SECRET_KEYS: secretKeys.optional(),
  PAYLOAD_KEYS: secretKeys.optional(),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
    .optional(),
  SMTP_TLS: z.enum(['required', 'optional']).optional(),
  MAIL_FROM: z.string().default('Switchyard <switchyard@localhost>'),
  MAIL_FROM_DOMAINS: mailDomains.default([]),
  MAIL_BOUNCES: mailBounces.optional(),
  EGRESS_ALLOW: cidrs.default([]),
  EGRESS_DENY: cidrs.default([]),
  EGRESS_PORTS: portRanges.optional(),
  ...hostsVariables,
  EGRESS_CA_FILE: certificates.optional(),
  ARCHIVE: archive.optional(),
  ARCHIVE_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
  ARCHIVE_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be a region such as eu-central-1')
    .optional(),
  ARCHIVE_S3_ACCESS_KEY_ID: z.string().optional(),
  ARCHIVE_S3_SECRET_ACCESS_KEY: z.string().optional(),
  DATA_DIR: z.string().default('.data'),
  CACHE_DIR: z.string().default(join(homedir(), '.cache', 'switchyard')),
  TEMPORAL_DOWNLOAD_URL: z.url().optional(),
  TEMPORAL_PORT: port.default(7233),
  TEMPORAL_UI_PORT: port.default(8233),
  PATH: z.string().default(''),
})

const archiveKeys = ['ARCHIVE_S3_ACCESS_KEY_ID', 'ARCHIVE_S3_SECRET_ACCESS_KEY'] as const

const consistent = variables.superRefine((given, context) => {
  const [absent, ...others] = archiveKeys.filter((name) => given[name] === undefined)
  if (absent && others.length === 0)
    context.addIssue({
      code: 'custom',
      path: [absent],
      message: 'is missing: set both parts of the access key or neither',
    })
  if (given.METRICS_PORT === given.PORT)
    context.addIssue({ code: 'custom', path: ['METRICS_PORT'], message: 'must differ from PORT' })
})

export type Config = z.output<typeof variables> & Partial<Record<HostsVariable, string[]>>

/** Lists all invalid variables at once, so that they can be fixed in one go. */
export class ConfigError extends Error {}

export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const config = parseVariables(consistent, environment)
  return { ...config, DATA_DIR: resolve(config.DATA_DIR) }
}

/** The variables of `npm run config`: the API's URL and the key to call it with. */
const commandVariables = z.object({
  SWITCHYARD_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .default('http://127.0.0.1:3000'),
  SWITCHYARD_KEY: z.string('must be set to an API key of the environment to configure'),
})

/** `variable` returns any other variable, for documents that refer to it. */
export function readCommandConfig(environment: NodeJS.ProcessEnv = process.env) {
  const variable = (name: string) => environment[name] || undefined
  return { ...parseVariables(commandVariables, environment), variable }
}

function parseVariables<Schema extends z.ZodType>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given, { error: fieldMessage })
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
  throw new ConfigError(`Invalid environment variables:\n${lines.join('\n')}`)
}

/** Connection settings for the Temporal server at an address. */
export function temporalSettings(config: Config, address: string) {
  const { TEMPORAL_NAMESPACE: namespace, TEMPORAL_TLS: tls, TEMPORAL_API_KEY: apiKey } = config
  return { address, namespace, tls, apiKey, payloadKeys: config.PAYLOAD_KEYS }
}

/** For the production roots, which do not start services themselves. */
export function requireVariables<Name extends keyof Config>(config: Config, names: readonly Name[]) {
  const missing = names.filter((name) => config[name] === undefined)
  if (missing.length > 0) {
    throw new ConfigError(
      `Missing environment variables: ${missing.join(', ')}. (\`npm start\` needs none: it starts its own services.)`,
    )
  }
  return config as Config & { [Key in Name]-?: NonNullable<Config[Key]> }
}
