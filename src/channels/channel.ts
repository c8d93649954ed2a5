import type { z } from 'zod'
import type { Environment, Event } from '../domain/event.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { SigningKeys } from '../domain/signing-keys.ts'
import type { Egress } from './egress.ts'
import type { Content, TemplateFields } from './template-field.ts'

/** What a message is composed of, by a template or without one. */
export interface Composition {
  event: Event
  destination: { id: string; name: string }
  /** The path of the rule's step that sends it: a later step sends another message to the same destination. */
  step?: string | undefined
  /** Where whoever reads it takes notice of the event, if somebody waits for that. */
  acknowledgeUrl?: string | undefined
}

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
}

/** What the platform lends to every channel. */
export interface ChannelContext {
  egress: Egress
  /** The platform's own mail server and sender, for destinations that name none. */
  mail?: { smtpUrl: string; from: string } | undefined
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

export interface FieldProblem {
  /** Dotted path in the config, as in `url`. */
  path: string
  message: string
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
  /** For channels that sign. */
  signing?(config: z.output<Config>): Signing
  /** What the schema cannot see: rules that depend on the environment or on what the operator allows. */
  check?(config: z.output<Config>, where: { environment: Environment; egress: Egress }): FieldProblem[]
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
  'secrets' | 'signing' | 'check' | 'send'
> {
  secrets: readonly string[]
  signing(config: unknown): Signing | undefined
  check(config: unknown, where: { environment: Environment; egress: Egress }): FieldProblem[]
  send(message: Message<unknown>, context: ChannelContext): Promise<Outcome>
}

export function defineChannel<Config extends z.ZodObject, const Fields extends TemplateFields>(
  definition: ChannelDefinition<Config, Fields>,
): Channel {
  const { config } = definition
  return {
    ...definition,
    signing: (raw) => definition.signing?.(config.parse(raw)),
    check: (raw, where) => definition.check?.(config.parse(raw), where) ?? [],
    send: ({ destination, ...message }, context) =>
      definition.send(
        { ...message, destination: { ...destination, config: config.parse(destination.config) } },
        context,
      ),
  }
}
