import { spawnSync } from 'node:child_process'
import { z } from 'zod'

/**
 * `npm run audit:dependencies`: fails if a dependency has a known vulnerability of high or critical severity. If the registry
 * returns no advisories (a mirror without them, no network), it says that nothing was checked and succeeds.
 */
const report = z.object({
  metadata: z.object({ vulnerabilities: z.object({ high: z.number(), critical: z.number() }) }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
})

const { stdout } = spawnSync('npm', ['audit', '--json', '--audit-level=high'], { encoding: 'utf8' })
const answer = report.safeParse(parse(stdout))
if (!answer.success) {
  console.log('npm audit: the registry returned no advisories; nothing was checked.')
} else {
  const { vulnerabilities, metadata } = answer.data
  for (const [name, { severity, range }] of Object.entries(vulnerabilities))
    console.log(`npm audit: ${name} ${range}: ${severity}`)
  const { high, critical } = metadata.vulnerabilities
  console.log(`npm audit: ${high} high, ${critical} critical.`)
  if (high + critical > 0) process.exitCode = 1
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
