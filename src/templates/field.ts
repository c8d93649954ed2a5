/**
 * How values are escaped in a field: `line` is plain text without line breaks, `slack` is Slack's mrkdwn, `slackJson` is JSON
 * whose strings are mrkdwn.
 */
export type TemplateKind = 'line' | 'text' | 'json'
/** Keeps an event's values from being read as markup. */
export interface Escaping {
  escape: (text: string) => string
  /** Undoes `escape`, and changes nothing else. */
  unescape: (text: string) => string
  /** What the filter `newline_to_br` makes of a line break. */
  lineBreak: string
}

/** A field of a channel's messages that a template can make. */
export interface TemplateField {
  kind: TemplateKind
  /** Set where markup is read, in the text or in the texts inside of the JSON. */
  escaping?: Escaping
  description: string
  /** Returns a problem of the rendered text if the channel has further requirements. */
  problem?: (rendered: string) => string | undefined
}

/** Fields by name, part of each channel's definition. Everything else about templates derives from them. */
export type TemplateFields = Readonly<Record<string, TemplateField>>

/** A rendered template by field. A field that contains JSON is its text. */
export type Content<Fields extends TemplateFields = TemplateFields> = {
  -readonly [Field in keyof Fields]?: string
}

/** How a field's values are written. */
export type FieldFormat = Pick<TemplateField, 'kind' | 'escaping'>

export const templateLimits = {
  /** Per environment. */
  templates: 200,
  /** Characters of a part. */
  partMax: 64 * 1024,
  /** Of a rendered part, in bytes. */
  outputMaxBytes: 256 * 1024,
  /** Of a line, in characters. */
  lineMax: 500,
  /** For all fields of one message. */
  renderMs: 500,
  /** Characters, and entries of lists, that one field may make on its way, what is thrown away included. */
  memory: 4 * 1024 * 1024,
} as const
