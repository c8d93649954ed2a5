import type { z } from 'zod'
import type { Environment, JsonObject } from '../domain/event.ts'
import type { Outcome, SettledRecipients } from '../domain/delivery/outcome.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import { withinHosts, type Egress } from '../egress/egress.ts'
import type { ServiceHosts } from '../egress/rules.ts'
import type { FieldProblem } from '../domain/field-problem.ts'
import type { Composition } from '../templates/composition.ts'
import type { Content, TemplateFields } from '../templates/field.ts'

/** One attempt to make: an event, where to, and with what patience. */
export interface Message<Config, Fields extends TemplateFields = TemplateFields> extends Composition {
  destination: { id: string; name: string; config: Config; eventTypes: readonly string[]; keys: SigningKeys }
  /** What a template has made of it. Where that has no field, the channel's default stands. */
  content?: Content<Fields> | undefined
  /** 1 for the first attempt of a run. */
  attempt: number
  /** When this attempt is made; signatures carry it. */
  sentAt: Date
  timeoutMs: number
  /** For channels that reach people: those it goes to now. Without it, all whom the config names. */
  recipients?: readonly Recipient[] | undefined
  /** Likewise: whom earlier attempts have settled. */
  settled?: SettledRecipients | undefined
}

/** Somebody whom a message goes to. */
export interface Recipient {
  address: string
  /** The link by which they get no more. */
  unsubscribeUrl?: string | undefined
}

/** The platform's own mail server and sender. */
export interface PlatformMail {
  smtpUrl: string
  from: string
  /** Where bounces go to; by default to `from`. */
  bounces?: string | undefined
  /** Domains that tenants may send from by this server. */
  fromDomains?: readonly string[] | undefined
}

/** What the platform lends to every channel. */
export interface ChannelContext {
  egress: Egress
  /** For destinations that name no mail server. */
  mail?: PlatformMail | undefined
  /** Mail goes only to servers that speak TLS, by `smtps://` or STARTTLS. */
  requireSmtpTls?: boolean | undefined
}

/** How a channel signs what it sends. */
export interface Signing {
  /** Whose secret signs: the destination's, or its tenant's unless the destination was given one of its own. */
  by: 'destination' | 'tenant'
  /** A key pair is needed as well. */
  keyPair: boolean
  /** What is wrong with a secret that a tenant wants to use. */
  secretProblem: (secret: string) => string | undefined
}

/** Where a config is to hold: its environment, and what the operator allows there. */
export interface Where {
  environment: Environment
  egress: Egress
  /** See `PlatformMail`. */
  mailFromDomains?: readonly string[] | undefined
}

/** Somebody is asked whether they want a destination's messages. */
export interface ConfirmationRequest {
  tenant: string
  destination: string
  environment: Environment
  address: string
  /** The link is valid until then. */
  until: Date
  confirmUrl: string
}

/** For channels that reach people: none of them gets anything without having agreed. */
export interface People<Config> {
  /** The field of the config that names the recipients, for problems. */
  field: string
  /** The addresses that a config names. */
  recipients(config: Config): readonly string[]
  /** The spelling in which an address is stored and compared. */
  canonicalAddress(address: string): string
  /** Whether the platform's own server sends the messages, which counts them. */
  viaPlatform(config: Config): boolean
  /** The request to confirm: the config by which it reaches this one address through the platform, and what it says. */
  confirmation(request: ConfirmationRequest): { config: JsonObject; content: Content }
}

/**
 * A kind of destination, as one value. The API's validation and masking, the encryption of secrets, dispatch and OpenAPI
 * derive from it. `send` classifies what happened; it never retries and never throws for what a receiver did.
 */
export interface ChannelDefinition<Config extends z.ZodObject, Fields extends TemplateFields> {
  name: string
  /** What a tenant configures. Unknown fields are refused. */
  config: Config
  /** The fields of `config` that are encrypted at rest and masked in answers. */
  secrets: readonly (keyof z.input<Config> & string)[]
  /** The only hosts that its messages may go to. Without them, it is every host that the egress guard admits. */
  hosts?: Omit<ServiceHosts, 'name'>
  /** The origin that the secrets are sent to, where they do not name it themselves as a URL does. */
  origin?(config: z.output<Config>): string
  /** How many messages a second its service takes; a destination's `delivery.maxPerSecond` overrides it. */
  maxPerSecond?: number
  /** For channels that sign. */
  signing?(config: z.output<Config>): Signing
  /** What the schema cannot see: rules that depend on the environment or on what the operator allows. */
  check?(config: z.output<Config>, where: Where): FieldProblem[]
  people?: People<z.output<Config>>
  /** Its default messages are read by programs: they have no title and do not say why they are sent. */
  forPrograms?: true
  /** The fields that a template can make of its messages. */
  template: Fields
  /**
   * What a message says, field by field: the template's content, and the default where that has none. A field that makes
   * no sense beside the template's is left out. A preview shows it; JSON as such.
   */
  compose(of: Composition, content: Content<Fields>): { [Field in keyof Fields]?: unknown }
  send(message: Message<z.output<Config>, Fields>, context: ChannelContext): Promise<Outcome>
}

/** A channel with its config's type sealed in: what is stored is parsed again before it is sent with. */
export interface Channel extends Omit<
  ChannelDefinition<z.ZodObject, TemplateFields>,
  'secrets' | 'hosts' | 'origin' | 'signing' | 'check' | 'people' | 'send'
> {
  secrets: readonly string[]
  hosts: ServiceHosts | undefined
  origin(config: unknown): string | undefined
  signing(config: unknown): Signing | undefined
  check(config: unknown, where: Where): FieldProblem[]
  /** Undefined for channels that reach no people. No recipients are read from a config that does not parse. */
  people: People<unknown> | undefined
  send(message: Message<unknown>, context: ChannelContext): Promise<Outcome>
}

export function defineChannel<Config extends z.ZodObject, const Fields extends TemplateFields>(
  definition: ChannelDefinition<Config, Fields>,
): Channel {
  const { config, name, people } = definition
  const hosts = definition.hosts && { name, ...definition.hosts }
  const guarded = (egress: Egress) => (hosts ? withinHosts(egress, hosts) : egress)
  return {
    ...definition,
    hosts,
    origin: (raw) => {
      const { data } = config.safeParse(raw)
      return data && definition.origin?.(data)
    },
    signing: (raw) => definition.signing?.(config.parse(raw)),
    check: (raw, where) =>
      definition.check?.(config.parse(raw), { ...where, egress: guarded(where.egress) }) ?? [],
    people: people && {
      ...people,
      recipients: (raw) => {
        const { data } = config.safeParse(raw)
        return data ? people.recipients(data) : []
      },
      viaPlatform: (raw) => people.viaPlatform(config.parse(raw)),
    },
    send: ({ destination, ...message }, context) =>
      definition.send(
        { ...message, destination: { ...destination, config: config.parse(destination.config) } },
        { ...context, egress: guarded(context.egress) },
      ),
  }
}
