import { randomBytes } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { runSql, tamper } from '../support/resources/audit.ts'
import { createNamespace } from '../support/corner.ts'
import { run } from '../support/program.ts'
import { adminKey } from '../support/stack.ts'

/** The URL of a database with nothing in it, as its owner and as a role that there is not yet. */
async function emptyDatabase(name: string): Promise<{ owner: string; application: string }> {
  const owner = new URL(inject('databaseUrl'))
  await runSql(owner.href, `CREATE DATABASE ${name} TEMPLATE template0`)
  owner.pathname = `/${name}`
  const application = new URL(owner)
  application.username = name
  application.password = 'p%40ss%27word'
  return { owner: owner.href, application: application.href }
}

async function ended(script: string, env: Record<string, string>, args: string[] = []) {
  const program = run(script, env, args)
  return { code: await program.exited, output: program.output() }
}

it(
  'db:migrate by an owner, the API as another role, audit:verify: whole, then changed, then cut off',
  { timeout: 120_000 },
  async () => {
    const name = `audit_${randomBytes(6).toString('hex')}`
    const [{ owner, application }, { connection }, port] = await Promise.all([
      emptyDatabase(name),
      createNamespace(name),
      freePort(),
    ])
    await connection.close()
    const path = { PATH: '/usr/bin:/bin' }

    // A database from before there were two roles: the application owned it.
    const alone = await ended('src/cli/migrate.ts', { ...path, DATABASE_URL: owner })
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.output).toMatch(/Applied: [^]*could remove the protection of the audit log/)
    const both = { ...path, DATABASE_URL: application, MIGRATE_DATABASE_URL: owner }
    const migrated = await ended('src/cli/migrate.ts', both)
    expect(migrated).toMatchObject({ code: 0, output: 'The database is up to date.\n' })

    const server = run('src/server.ts', {
      ...path,
      PORT: String(port),
      DATABASE_URL: application,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: name,
      SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
      TRUST_PROXY: 'loopback',
    })
    await server.line('ready')
    const call = async (target: string, body?: object) => {
      const headers = {
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        'x-forwarded-for': '192.0.2.1, 203.0.113.9',
      }
      const method = body ? 'POST' : 'GET'
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1${target}`, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      })
      return (await answer.json()) as Record<string, unknown>
    }
    const { id } = (await call('/tenants', { name: 'Acme' })) as { id: string }
    await call(`/tenants/${id}/keys`, { environment: 'sandbox' })
    await call(`/tenants/${id}/keys`, { environment: 'sandbox' })
    // What the proxy itself saw; what was before that, anybody can write.
    const { data } = (await call(`/tenants/${id}/audit`)) as { data: { address: string }[] }
    expect(data.map(({ address }) => address)).toEqual(['203.0.113.9', '203.0.113.9', '203.0.113.9'])
    const heads = (await call(`/tenants/${id}/audit/head`)) as {
      data: { chain: string; sequence: number; hash: string }[]
    }
    const [sandbox, , whole] = heads.data.map(({ chain, sequence, hash }) => `${chain}:${sequence}:${hash}`)
    const noted = ['--expect', sandbox ?? '', '--expect', whole ?? '']

    const verify = (...args: string[]) =>
      ended('src/cli/audit-verify.ts', { ...path, DATABASE_URL: application }, args)
    expect(await verify(...noted)).toEqual({
      code: 0,
      output:
        `OK  1 entries  head ${whole}\nOK  2 entries  head ${sandbox}\n` +
        '2 chains, 3 entries verified, 0 chains broken\n',
    })
    await tamper(owner, `DELETE FROM "AuditEntry" WHERE "sequence" = 2`)
    const cut = await verify('--tenant', id, ...noted)
    expect(cut).toMatchObject({ code: 1 })
    expect(cut.output).toContain(`BROKEN  ${id}/sandbox at 2: missing: the chain now ends before entry 2`)
    await tamper(owner, `UPDATE "AuditEntry" SET "keyId" = 'key_other' WHERE "environment" = 'sandbox'`)
    const changed = await verify()
    expect(changed).toMatchObject({ code: 1 })
    expect(changed.output).toContain(`BROKEN  ${id}/sandbox at 1: changed`)
  },
)
