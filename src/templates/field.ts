/**
 * How values are escaped in a field: `line` is plain text without line breaks, `slack` is Slack's mrkdwn, `slackJson` is JSON
 * whose texts are mrkdwn.
 */
export type TemplateKind = 'line' | 'text' | 'html' | 'slack' | 'json' | 'slackJson'

/** A field of a channel's messages that a template can make. */
export interface TemplateField {
  kind: TemplateKind
  description: string
  /** What is wrong with what was rendered, where the channel wants more than its kind. */
  problem?: (rendered: string) => string | undefined
}

/** By name. In each channel's definition; everything about templates derives from it. */
export type TemplateFields = Readonly<Record<string, TemplateField>>

/** What a template made, by field. A field that holds JSON is the JSON's text. */
export type Content<Fields extends TemplateFields = TemplateFields> = {
  -readonly [Field in keyof Fields]?: string
}

export function holdsJson({ kind }: TemplateField): boolean {
  return kind === 'json' || kind === 'slackJson'
}

export const templateLimits = {
  /** Of one environment. */
  templates: 200,
  /** Characters of a part. */
  partMax: 64 * 1024,
  /** Of what a part renders to, in bytes. */
  outputMaxBytes: 256 * 1024,
  /** Of a line, in characters. */
  lineMax: 500,
  /** For all fields of one message. */
  renderMs: 500,
  /** Characters, and entries of lists, that one field may make on its way, what is thrown away included. */
  memory: 4 * 1024 * 1024,
} as const
