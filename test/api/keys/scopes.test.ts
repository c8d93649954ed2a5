import supertest from 'supertest'
import { beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { allows, scopes, type RouteScope } from '../../../src/api/auth/scopes.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant } from '../../support/stack.ts'

/** Every route that wants a tenant's key, read from what the app mounts. */
const stack = sharedStack({ workers: false })

const tenantRoutes = Object.entries(routes).flatMap(([base, list]) =>
  list.flatMap(({ method, path, access }) =>
    access === 'platform'
      ? []
      : [{ method, path: `${base}${path.replace(/:\w+/g, 'nobody')}`, scope: access.scope }],
  ),
)

const keys = new Map<RouteScope, { only: string; others: string }>()
beforeAll(async () => {
  const { id } = await makeTenant(stack)
  for (const scope of new Set(tenantRoutes.map((route) => route.scope))) {
    const others = scopes.filter((other) => !allows([other], scope))
    const made = [await makeKey(stack, id, 'sandbox', [scope]), await makeKey(stack, id, 'sandbox', others)]
    keys.set(scope, { only: made[0]?.key ?? '', others: made[1]?.key ?? '' })
  }
})

describe.each(tenantRoutes)('$method $path', ({ method, path, scope }) => {
  const ask = (key = '') => supertest(stack.app)[method](path).set('Authorization', `Bearer ${key}`)

  it(`lets a key in that has ${scope} and nothing else`, async () => {
    const { status } = await ask(keys.get(scope)?.only)
    expect([200, 201, 202, 204, 207, 400, 404, 409, 422]).toContain(status)
  })

  it(`is a 403 that names ${scope} for a key with every scope that does not bring it`, async () => {
    const { body } = await ask(keys.get(scope)?.others).expect(403)
    expect(body).toMatchObject({ code: 'forbidden', detail: `This key lacks the scope ${scope}.` })
  })
})
