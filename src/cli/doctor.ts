import { parseArgs } from 'node:util'
import { diagnose } from './doctor/diagnose.ts'
import type { Result, Status } from './doctor/examination.ts'

/**
 * `npm run doctor`: looks for what is wrong with a production installation, and says what to do about it. It reads the same
 * environment variables as the API and the workers, and changes nothing. `--json` prints the results as JSON; `--reach URL` also
 * connects to a receiver. Exits with 1 if a check has failed.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean' }, reach: { type: 'string' } } })
const { json, reach } = values
if (reach !== undefined && !(URL.canParse(reach) && /^https?:$/.test(new URL(reach).protocol))) {
  console.error('--reach must be an http(s) URL, such as https://receiver.example/hook')
  process.exit(2)
}

const marks: Record<Status, string> = {
  ok: 'ok     ',
  warning: 'WARNING',
  failed: 'FAILED ',
  skipped: 'skipped',
}
const nameWidth = 18

function print({ name, status, message, remedy }: Result): void {
  const indent = ' '.repeat(nameWidth + 10)
  console.log(`${marks[status]}  ${name.padEnd(nameWidth)} ${message}`)
  if (remedy !== undefined) console.log(`${indent}${remedy}`)
}

const checks = await diagnose(undefined, { reach, ...(!json && { onResult: print }) })
const failures = checks.filter(({ status }) => status === 'failed').length
if (json) console.log(JSON.stringify({ healthy: failures === 0, checks }, undefined, 2))
else console.log(failures === 0 ? 'Nothing has failed.' : `${failures} failed.`)
process.exit(failures === 0 ? 0 : 1)
