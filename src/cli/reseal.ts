import { readConfig, requireVariables } from '../config.ts'
import { openDb, type Db } from '../db/client.ts'
import { countByKey, resealAll } from '../db/schema/reseal.ts'
import { runRoot } from '../lifecycle.ts'

/**
 * `npm run secrets:reseal`: re-encrypts with the first of SECRET_KEYS what is encrypted with another one, so that old keys can be
 * removed. `-- --check` only counts. Exits with 1 if anything is left under another key.
 */
await runRoot(async (lifecycle) => {
  const wrong = process.argv.slice(2).find((argument) => argument !== '--check')
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a known option: the only one is --check.`)
  const config = requireVariables(readConfig(), ['DATABASE_URL', 'SECRET_KEYS'])
  const [first] = config.SECRET_KEYS
  const db = openDb(config.DATABASE_URL)
  lifecycle.add('the database connection', () => db.$disconnect())
  const unopened = process.argv.includes('--check') ? 0 : await reseal(db, config.SECRET_KEYS)
  const left = await report(db, first?.id ?? '')
  await lifecycle.stop()
  process.exit(left + unopened > 0 ? 1 : 0)
})

async function reseal(db: Db, keys: Parameters<typeof resealAll>[1]): Promise<number> {
  let unopened = 0
  await resealAll(db, keys, {
    progress: ({ table, seen, resealed }) =>
      console.error(`${table}: ${seen} read, ${resealed} re-encrypted`),
    unopened({ table, id }, { message }) {
      unopened += 1
      console.error(`${table} ${id} was left unchanged: ${message}`)
    },
  })
  return unopened
}

/** Counted at the end, because processes that were not restarted yet may have encrypted with another key meanwhile. */
async function report(db: Db, firstId: string): Promise<number> {
  const counts = [...(await countByKey(db))].sort(([left], [right]) => left.localeCompare(right))
  for (const [keyId, count] of counts) console.log(`${keyId}: ${count}`)
  const left = counts.reduce((sum, [keyId, count]) => sum + (keyId === firstId ? 0 : count), 0)
  console.log(
    left === 0
      ? `All secrets are encrypted with the key "${firstId}". Links that were sent while another key was first stop working when that key is removed (docs/operations/encryption.md).`
      : `${left} are not encrypted with the key "${firstId}": keep the other keys.`,
  )
  return left
}
