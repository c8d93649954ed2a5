/** What a field is made of: `line` is text without line breaks, `json` is a JSON value. */
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
  /** What is wrong with what was rendered, where the channel wants more than its kind. */
  problem?: (rendered: string) => string | undefined
}

/** By name. In each channel's definition; everything about templates derives from it. */
export type TemplateFields = Readonly<Record<string, TemplateField>>

/** What a template made, by field. A field that holds JSON is the JSON's text. */
export type Content<Fields extends TemplateFields = TemplateFields> = {
  -readonly [Field in keyof Fields]?: string
}

/** How a field's values are written. */
export type FieldFormat = Pick<TemplateField, 'kind' | 'escaping'>

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
