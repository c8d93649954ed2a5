/** Why a statement could break or block the version that is still running, by what it says. */
const dangers: [RegExp, string][] = [
  [/^DROP (TABLE|VIEW|TYPE|FUNCTION|SCHEMA)\b/, 'drops what the running version may use'],
  [
    /^ALTER TABLE\b.*\bDROP (COLUMN\b|CONSTRAINT\b.*\bADD CONSTRAINT\b)/,
    'drops what the running version may use',
  ],
  [/^ALTER (TABLE|TYPE|INDEX)\b.*\bRENAME\b/, 'renames what the running version may use'],
  [/\bALTER COLUMN "\w+" (SET DATA )?TYPE\b/, 'changes a type: the table is rewritten under a lock'],
  [/\bALTER COLUMN "\w+" SET NOT NULL\b/, 'refuses rows that the running version may write'],
  [
    /\bALTER COLUMN "\w+" DROP (NOT NULL|DEFAULT)\b/,
    'makes rows that the running version cannot read or write',
  ],
  [
    /\bADD COLUMN\s+"\w+" (?![^,]*\bDEFAULT\b)[^,]*\bNOT NULL\b/,
    'refuses rows of the running version: give it a default',
  ],
  [/^ALTER TABLE\b.*\bADD CONSTRAINT\b/, 'may refuse rows that the running version writes'],
  [/^CREATE UNIQUE INDEX\b/, 'may refuse rows that the running version writes'],
  [
    /^CREATE INDEX (?!CONCURRENTLY\b)/,
    'blocks writes: use CREATE INDEX CONCURRENTLY in a migration of its own',
  ],
  [/^CREATE (OR REPLACE )?(CONSTRAINT )?TRIGGER\b/, 'changes what the running version writes'],
  [/^(UPDATE|DELETE|TRUNCATE|LOCK)\b/, 'changes or locks rows of the running version'],
]

/** A comment above a statement that says why it is safe nevertheless, in a sentence. */
const reason = /^-- Safe: .{20,}$/m

/**
 * Returns the statements of a migration that are not safe while the version before it still runs, and why. Tables that the
 * migration creates are nobody's yet. A statement with a comment `-- Safe: <why>` above it passes: for example the last step of
 * an expansion and contraction over several releases.
 */
export function findUnsafe(sql: string): string[] {
  const own = [...sql.matchAll(/^CREATE TABLE "(\w+)"/gm)].map(([, table = '']) => table)
  return splitStatements(sql).flatMap((text) => {
    const statement = text
      .replaceAll(/^\s*--.*$/gm, '')
      .replaceAll(/'[^']*'/g, "''")
      .replaceAll(/\s+/g, ' ')
      .trim()
    const table = /\b(?:TABLE|ON|INTO|UPDATE|FROM) (?:ONLY )?"(\w+)"/.exec(statement)?.[1]
    if (statement === '' || reason.test(text) || (table !== undefined && own.includes(table))) return []
    const danger = dangers.find(([pattern]) => pattern.test(statement))
    return danger ? [`${statement.slice(0, 80)}: ${danger[1]}`] : []
  })
}

/** At the semicolons outside of strings and comments. */
function splitStatements(sql: string): string[] {
  const tokens = sql.match(/--[^\n]*|'(?:[^']|'')*'|;|[^;'-]+|-/g) ?? []
  const statements = ['']
  for (const token of tokens) {
    if (token === ';') statements.push('')
    else statements[statements.length - 1] += token
  }
  return statements
}
