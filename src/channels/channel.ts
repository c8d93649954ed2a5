import type { z } from 'zod'
import type { Environment } from '../domain/event.ts'
import type { Outcome, SettledRecipients } from '../domain/delivery/outcome.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import type { Egress } from '../egress/egress.ts'
import type { FieldProblem } from '../domain/field-problem.ts'
import type { Composition } from '../templates/composition.ts'
import type { Content, TemplateFields } from '../templates/field.ts'

/** One attempt to make: an event, where to, and with what patience. */
interface Message<Config, Fields extends TemplateFields = TemplateFields> extends Composition {
  destination: { id: string; name: string; config: Config; eventTypes: readonly string[]; keys: SigningKeys }
  /** What a template has made of it. Where that has no field, the channel's default stands. */
  content?: Content<Fields>
  /** 1 for the first attempt of a run. */
  attempt: number
  /** When this attempt is made; signatures carry it. */
  sentAt: Date
  timeoutMs: number
  /** For channels that reach people: those it goes to now. Without it, all whom the config names. */
  recipients?: readonly Recipient[]
  /** Likewise: whom earlier attempts have settled. */
  settled?: SettledRecipients
}

/** Somebody whom a message goes to. */
export interface Recipient {
  address: string
  /** The link by which they get no more. */
  unsubscribeUrl?: string
}

/** The platform's own mail server and sender. */
export interface PlatformMail {
  smtpUrl: string
  from: string
  /** Where bounces go to; by default to `from`. */
  bounces?: string
  /** Domains that tenants may send from by this server. */
  fromDomains?: readonly string[]
}

/** What the platform lends to every channel. */
export interface ChannelContext {
  egress: Egress
  /** For destinations that name no mail server. */
  mail?: PlatformMail
  /** Mail goes only to servers that speak TLS, by `smtps://` or STARTTLS. */
  requireSmtpTls?: boolean
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
interface Where {
  environment: Environment
  egress: Egress
  /** See `PlatformMail`. */
  mailFromDomains?: readonly string[]
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
  /** The origin that the secrets are sent to, where they do not name it themselves as a URL does. */
  origin?(config: z.output<Config>): string
  /** How many messages a second its service takes; a destination's `delivery.maxPerSecond` overrides it. */
  maxPerSecond?: number
  /** For channels that sign. */
  signing?(config: z.output<Config>): Signing
  /** What the schema cannot see: rules that depend on the environment or on what the operator allows. */
  check?(config: z.output<Config>, where: Where): FieldProblem[]
  /** For channels that reach people: the addresses that a config names. None of them gets anything without having agreed. */
  recipients?(config: z.output<Config>): readonly string[]
  /** Likewise: whether they are reached by the platform's own server, which counts them. */
  viaPlatform?(config: z.output<Config>): boolean
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
  'secrets' | 'origin' | 'signing' | 'check' | 'recipients' | 'viaPlatform' | 'send'
> {
  secrets: readonly string[]
  origin(config: unknown): string | undefined
  signing(config: unknown): Signing | undefined
  check(config: unknown, where: Where): FieldProblem[]
  /** Empty for channels that reach no people, and for a config that cannot be sent to: `send` says why. */
  recipients(config: unknown): readonly string[]
  viaPlatform(config: unknown): boolean
  send(message: Message<unknown>, context: ChannelContext): Promise<Outcome>
}

export function defineChannel<Config extends z.ZodObject, const Fields extends TemplateFields>(
  definition: ChannelDefinition<Config, Fields>,
): Channel {
  const { config } = definition
  return {
    ...definition,
    origin: (raw) => {
      const { data } = config.safeParse(raw)
      return data && definition.origin?.(data)
    },
    signing: (raw) => definition.signing?.(config.parse(raw)),
    check: (raw, where) => definition.check?.(config.parse(raw), where) ?? [],
    recipients: (raw) => {
      const { data } = config.safeParse(raw)
      return (data && definition.recipients?.(data)) ?? []
    },
    viaPlatform: (raw) => definition.viaPlatform?.(config.parse(raw)) ?? false,
    send: ({ destination, ...message }, context) =>
      definition.send(
        { ...message, destination: { ...destination, config: config.parse(destination.config) } },
        context,
      ),
  }
}
