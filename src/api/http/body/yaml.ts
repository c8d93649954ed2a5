import {
  Composer,
  CST,
  Document,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  visit,
  type Alias,
  type ErrorCode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Json } from '../../../domain/event.ts'
import { invalid } from '../../errors.ts'
import { unkeptNumbers } from '../../fields/exact-numbers.ts'

/** The media type of RFC 9512. The list also contains the types in use before it. */
export const yamlType = 'application/yaml'
export const yamlTypes = [yamlType, 'application/x-yaml', 'text/yaml', 'text/x-yaml']

/** Maximum number of aliases per anchor, multiplied with nested ones. A few lines must not expand to gigabytes. */
const maxAliasCount = 100

/**
 * Parses YAML 1.2 with its core schema, so that `22:00`, `on` and `no` are strings. Accepts only what JSON can express: one
 * document, string keys, no tags. Errors name the line and column but never quote the text, which may contain secrets.
 */
export function parseYaml(text: string): Json {
  const lines = new LineCounter()
  const refuse = (message: string, offset: number) => {
    const { line, col } = lines.linePos(offset)
    return refused(`is not valid YAML at line ${line}, column ${col}: ${message}`)
  }
  try {
    const [document, second] = new Composer({
      schema: 'core',
      resolveKnownTags: false,
      stringKeys: true,
      // The library's own check compares each key with all keys before it.
      uniqueKeys: false,
    }).compose(soundTokens(text, lines, refuse), true, text.length)
    if (!document) return null
    if (second) throw refuse('only one document is allowed', second.range[0])
    const [fault] = [...document.errors, ...document.warnings]
    if (fault) throw refuse(messages[fault.code] ?? 'it could not be parsed', fault.pos[0])
    visit(document, {
      Alias: (_key, node, path) => {
        const meant = node.resolve(document)
        if (meant === undefined) throw refuse(unknownAlias, findStart(node))
        if (path.includes(meant))
          throw refuse('an alias must not appear inside its own anchor', findStart(node))
      },
      Map: (_key, { items }) => {
        const again = duplicateKey(items)
        if (again) throw refuse('duplicate key', findStart(again))
      },
      Scalar: (_key, node) => {
        const problem = numberProblem(node)
        if (problem !== undefined) throw refuse(problem, findStart(node))
      },
    })
    return document.toJS({ maxAliasCount }) as Json
  } catch (error) {
    if (error instanceof ReferenceError) throw refused(overused)
    throw error
  }
}

/** Maximum nesting depth of lists and objects. */
const deepest = 100

/** Several times the number in the largest configuration. Composing a million tokens takes seconds. */
const maxTokens = 200_000

/**
 * Yields the library's tokens and refuses a text with too many of them or with too much nesting. The composer is recursive, and
 * near the end of the stack Node does not always throw: if a regular expression is compiled there, the process ends.
 */
function* soundTokens(
  text: string,
  lines: LineCounter,
  refuse: (message: string, offset: number) => Error,
): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  let tokens = 0
  let aliases = 0
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      // Stops at the first error, because a text may consist of nothing but errors.
      if (token.type === 'error') throw refuse('unexpected token', token.offset)
      if (token.type === 'directive') throw refuse(directives, token.offset)
      yield token
    }
    // Resolving an alias reads everything before it.
    if (CST.tokenType(lexeme) === 'alias') aliases++
    if (aliases > maxAliasCount) throw refused(overused)
    if (++tokens > maxTokens) throw refused('is too long')
    if (parser.stack.length > deepest) throw refused('is nested too deeply')
  }
  yield* parser.end()
}

const overused = `uses anchors more than ${maxAliasCount} times`

function refused(message: string) {
  return invalid([{ path: '(body)', message }])
}

const unknownAlias = 'unknown anchor; quote a string that starts with *'

const directives = 'directives (%) are not supported'

const unclosed = 'a quote or bracket is not closed, or a character is missing'
const messages: { [Code in ErrorCode]?: string } = {
  BAD_ALIAS: unknownAlias,
  BAD_DIRECTIVE: directives,
  BAD_DQ_ESCAPE: 'unknown escape sequence in a double-quoted string',
  BAD_INDENT: 'wrong indentation, or a bracket is not closed',
  BAD_SCALAR_START: 'quote a string that starts with this character',
  BLOCK_AS_IMPLICIT_KEY: 'quote a string that contains a colon followed by a space',
  MISSING_CHAR: unclosed,
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line and followed by a colon',
  NON_STRING_KEY: 'a key must be a string',
  TAB_AS_INDENT: 'tabs cannot be used for indentation',
  TAG_RESOLVE_FAILED: 'tags (!) are not supported',
  UNEXPECTED_TOKEN: 'unexpected token',
}

function findStart({ range }: Alias | Scalar): number {
  return range?.[0] ?? 0
}

function duplicateKey(items: YAMLMap['items']): Scalar | undefined {
  const seen = new Set<unknown>()
  for (const { key } of items) {
    if (!isScalar(key)) continue
    if (seen.has(key.value)) return key
    seen.add(key.value)
  }
  return undefined
}

/** Detects numbers that would lose precision. */
function numberProblem({ value, source = '' }: Scalar): string | undefined {
  if (typeof value !== 'number') return undefined
  const isKept = Number.isFinite(value) && unkeptNumbers(source).length === 0
  return isKept ? undefined : 'this number cannot be stored without losing precision; write it as a string'
}

/**
 * Formats a value for people: lists of short values on one line, longer texts as blocks. Quotes strings that older parsers (YAML
 * 1.1) would take for another type.
 */
export function formatYaml(value: Json, { comment }: { comment?: string } = {}): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  visit(document, {
    Seq: (_key, node) => {
      if (isShort(node)) node.flow = true
    },
  })
  if (comment !== undefined) document.commentBefore = comment
  return document.toString({ lineWidth: 0, blockQuote: 'literal', flowCollectionPadding: false })
}

const shortMax = 90

function isShort({ items }: YAMLSeq): boolean {
  const texts = items.map((item) => (isScalar(item) ? String(item.value) : undefined))
  const isPlain = texts.every((text) => text !== undefined && !text.includes('\n'))
  return isPlain && texts.join(', ').length <= shortMax
}
