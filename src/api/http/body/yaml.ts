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

/** RFC 9512, and what was in use before it. */
export const yamlType = 'application/yaml'
export const yamlTypes = [yamlType, 'application/x-yaml', 'text/yaml', 'text/x-yaml']

/** Of one anchor, with those inside of it multiplied: a few lines must not stand for gigabytes. */
const maxAliasCount = 100

/**
 * YAML 1.2 with its core schema, so that `22:00`, `on` and `no` are texts. Only what JSON can say is taken: no tags, no keys that
 * are no texts, one document. Refuses with line and column, and quotes nothing of the text: there may be secrets in it.
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
      // Its own check compares each key with all of those before it.
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

/** Lists and objects inside of each other. */
const deepest = 100

/** Several times what the largest configuration has. What composes them takes seconds for a million. */
const mostTokens = 200_000

/**
 * The library's tokens, as long as they are not too many, and not nested beyond reason. What composes them is recursive, and near the end of the
 * stack Node does not always throw: where a regular expression is compiled there, the process ends.
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
      // The first fault is enough: a text may be nothing but faults.
      if (token.type === 'error') throw refuse('unexpected token', token.offset)
      if (token.type === 'directive') throw refuse(directives, token.offset)
      yield token
    }
    // To find what an alias stands for, everything before it is read.
    if (CST.tokenType(lexeme) === 'alias') aliases++
    if (aliases > maxAliasCount) throw refused(overused)
    if (++tokens > mostTokens) throw refused('is too long')
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

/** What would come out as another number than was written. */
function numberProblem({ value, source = '' }: Scalar): string | undefined {
  if (typeof value !== 'number') return undefined
  const isKept = Number.isFinite(value) && unkeptNumbers(source).length === 0
  return isKept ? undefined : 'this number cannot be stored without losing precision; write it as a string'
}

/**
 * A value as people read it: lists of short values on one line, longer texts as blocks. What older readers (YAML 1.1) would
 * take for something else stands in quotes.
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
