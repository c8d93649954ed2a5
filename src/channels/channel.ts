import type { z } from 'zod'
import type { Environment, JsonObject } from '../domain/event.ts'
import type { Outcome, SettledRecipients } from '../domain/delivery/outcome.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import { withinHosts, type Egress } from '../egress/egress.ts'
import type { ServiceHosts } from '../egress/rules.ts'
import type { FieldProblem } from '../domain/field-problem.ts'
import type { Composition } from '../templates/composition.ts'
import type { Content, TemplateFields } from '../templates/field.ts'

/** One attempt: an event, its destination and a time limit. */
interface Message<Config, Fields extends TemplateFields = TemplateFields> extends Composition {
  destination: { id: string; name: string; config: Config; eventTypes: readonly string[]; keys: SigningKeys }
  /** The fields that a template has rendered. The channel's defaults fill in the others. */
  content?: Content<Fields>
  /** 1 for the first attempt of a run. */
  attempt: number
  /** The time of this attempt; signatures include it. */
  sentAt: Date
  timeoutMs: number
  /** Set for channels that reach people: the recipients of this attempt. If omitted, all recipients in the config. */
  recipients?: readonly Recipient[]
  /** Set for channels that reach people: the recipients that earlier attempts have settled. */
  settled?: SettledRecipients
}

/** A person whom a message is sent to. */
export interface Recipient {
  address: string
  /** The recipient's unsubscribe link. */
  unsubscribeUrl?: string
}

/** The platform's own mail server and sender. */
export interface PlatformMail {
  smtpUrl: string
  from: string
  /** The address for bounces; `from` by default. */
  bounces?: string
  /** Domains that tenants may use as senders on this server. */
  fromDomains?: readonly string[]
}

/** Services and settings that the platform provides to every channel. */
export interface ChannelContext {
  egress: Egress
  /** Used by destinations that name no mail server. */
  mail?: PlatformMail
  /** Restricts mail to servers that use TLS, through `smtps://` or STARTTLS. */
  requireSmtpTls?: boolean
}

/** The way in which a channel signs its messages. */
export interface Signing {
  /** The owner of the signing secret: the destination, or its tenant unless the destination has a secret of its own. */
  by: 'destination' | 'tenant'
  /** True if the destination also needs a key pair. */
  keyPair: boolean
  /** Returns the reason why a tenant's own secret cannot be used, if any. */
  secretProblem: (secret: string) => string | undefined
}

/** The context in which a config is checked: its environment and what the operator allows there. */
interface Where {
  environment: Environment
  egress: Egress
  /** See `PlatformMail`. */
  mailFromDomains?: readonly string[]
}

/** A request to a recipient to confirm that they want a destination's messages. */
export interface ConfirmationRequest {
  tenant: string
  destination: string
  environment: Environment
  address: string
  /** The time at which the link expires. */
  until: Date
  confirmUrl: string
}

/** The way in which a channel reaches people, who receive no messages before they have agreed. */
export interface People<Config> {
  /** The field of the config that lists the recipients; error messages name it. */
  field: string
  /** The addresses that a config lists. */
  recipients(config: Config): readonly string[]
  /** The spelling in which an address is stored and compared. */
  canonicalAddress(address: string): string
  /** True if the platform's own server, which counts messages, sends them. */
  viaPlatform(config: Config): boolean
  /**
   * Returns the request to confirm: a config that sends it to this address alone through the platform's server, and its content.
   */
  confirmation(request: ConfirmationRequest): { config: JsonObject; content: Content }
}

/**
 * A kind of destination, as one value. Validation, masking, encryption, allowed hosts, templates, recipients' confirmation,
 * dispatch and OpenAPI are derived from it. `send` classifies the outcome; it never retries, and never throws because of a
 * receiver.
 */
export interface ChannelDefinition<Config extends z.ZodObject, Fields extends TemplateFields> {
  name: string
  /** The tenant's settings. Unknown fields are refused. */
  config: Config
  /** The fields of `config` that are encrypted at rest and masked in responses. */
  secrets: readonly (keyof z.input<Config> & string)[]
  /** The only hosts that its messages may be sent to. By default, every host that the egress guard allows. */
  hosts?: Omit<ServiceHosts, 'name'>
  /** The origin that the secrets are sent to, unless the secret itself is a URL. */
  origin?(config: z.output<Config>): string
  /** The rate limit of its service, in messages per second. A destination's `delivery.maxPerSecond` overrides it. */
  maxPerSecond?: number
  /** Set for channels that sign their messages. */
  signing?(config: z.output<Config>): Signing
  /** Makes the checks that a schema cannot make, because they depend on the environment or on what the operator allows. */
  check?(config: z.output<Config>, where: Where): FieldProblem[]
  people?: People<z.output<Config>>
  /** Set if programs read the channel's default messages, which then have no title and give no reason. */
  forPrograms?: true
  /** The fields of a message that a template can define. */
  template: Fields
  /**
   * Returns the content of a message by field: the template's fields, and defaults for the others. A default field that makes no
   * sense beside the template's is left out. Previews show this; JSON fields are values, not strings.
   */
  compose(of: Composition, content: Content<Fields>): { [Field in keyof Fields]?: unknown }
  send(message: Message<z.output<Config>, Fields>, context: ChannelContext): Promise<Outcome>
}

/** A channel whose config type is hidden: a stored config is parsed again before it is used. */
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
