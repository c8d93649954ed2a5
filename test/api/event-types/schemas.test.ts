import { describe, expect, it } from 'vitest'
import { catalogueTypes } from '../../../src/domain/catalogue/index.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

const schema = {
  type: 'object',
  required: ['person', 'riskLevel'],
  properties: {
    person: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
    riskLevel: { enum: ['low', 'high'] },
    reference: { type: 'string', pattern: '^KYC-[0-9]+$' },
  },
}
const good = { person: { name: 'Zoë' }, riskLevel: 'high', reference: 'KYC-1' }

interface FieldError {
  path: string
  message: string
}
/** By path: the database keeps no order of a schema’s fields. */
const errorsOf = (answer: { body: unknown }) =>
  (answer.body as { errors: FieldError[] }).errors.toSorted((a, b) => (a.path < b.path ? -1 : 1))
const post = (api: Api, type: string, data: object) => api.post('/events', { type, data })

async function tenantWith(body: object = { schema, enforce: true }) {
  const tenant = await makeTenant(stack)
  await tenant.api.post('/event-types', { type: 'kyc.checked', ...body }).expect(201)
  return tenant
}

describe('an event type', () => {
  it('is registered, shown, listed before the contracts’ types, changed and deleted', async () => {
    const { api } = await makeTenant(stack)
    const given = {
      type: 'kyc.checked',
      description: 'A check is over.',
      schema,
      sample: good,
      enforce: true,
    }
    const made = await api.post('/event-types', given).expect(201)
    expect(made.body).toMatchObject({ ...given, source: 'own', aliases: [] })
    expect((await api.get('/event-types/kyc.checked').expect(200)).body).toEqual(made.body)
    const listed = (await api.get('/event-types').expect(200)).body as {
      data: { type: string; source: string }[]
    }
    expect(listed.data.map(({ source }) => source)).toEqual(['own', ...catalogueTypes.map(() => 'contract')])
    const changed = await api.patch('/event-types/kyc.checked', { sample: null, enforce: false }).expect(200)
    expect(changed.body).toMatchObject({ description: 'A check is over.', schema, enforce: false })
    expect(changed.body).not.toHaveProperty('sample')
    await api.delete('/event-types/kyc.checked').expect(204)
    await api.get('/event-types/kyc.checked').expect(404)
    await api.delete('/event-types/kyc.checked').expect(404)
    await api.patch('/event-types/kyc.checked', { enforce: true }).expect(404)
  })

  it('stands in the place of a contract’s type of the same name', async () => {
    const { api } = await makeTenant(stack)
    expect((await api.get('/event-types/AML').expect(200)).body).toMatchObject({
      source: 'contract',
      contract: 'dataspike',
    })
    await api.post('/event-types', { type: 'AML', description: 'Ours' }).expect(201)
    expect((await api.get('/event-types/AML').expect(200)).body).toMatchObject({
      source: 'own',
      aliases: ['AML_SCREENING'],
    })
    const { data } = (await api.get('/event-types')).body as { data: { type: string }[] }
    expect(data.filter(({ type }) => type === 'AML')).toHaveLength(1)
  })

  it('is registered once', async () => {
    const { api } = await tenantWith()
    const again = await api.post('/event-types', { type: 'kyc.checked' }).expect(409)
    expect(again.body).toMatchObject({ code: 'already_exists', errors: [{ path: 'type' }] })
  })

  it('belongs to one tenant and one environment', async () => {
    const { id } = await tenantWith()
    const production = await makeKey(stack, id, 'production')
    const other = await makeTenant(stack)
    for (const { api } of [production, other]) {
      await api.get('/event-types/kyc.checked').expect(404)
      await api.patch('/event-types/kyc.checked', { enforce: false }).expect(404)
      await api.delete('/event-types/kyc.checked').expect(404)
      await post(api, 'kyc.checked', {}).expect(202)
    }
  })

  it('is written with settings:write only', async () => {
    const { api } = await makeTenant(stack, 'sandbox', ['settings:read'])
    await api.post('/event-types', { type: 'x' }).expect(403)
    await api.post('/event-types/presets', { preset: 'dataspike' }).expect(403)
    await api.get('/event-types/presets').expect(200)
  })

  it('is one of at most 500', async () => {
    const { id, api } = await makeTenant(stack)
    const data = Array.from({ length: 499 }, (_, index) => ({
      tenantId: id,
      environment: 'sandbox',
      type: `t${index}`,
    }))
    await stack.db.eventType.createMany({ data })
    await api.post('/event-types', { type: 'last' }).expect(201)
    const full = await api.post('/event-types', { type: 'one.more' }).expect(409)
    expect(full.body).toMatchObject({ code: 'limit_reached' })
    await api.post('/event-types/presets', { preset: 'dataspike' }).expect(409)
  })
})

/** Each `$defs` entry refers twice to the next: 2^20 schemas when written out. */
const doubling = Object.fromEntries(
  Array.from({ length: 20 }, (_, index) => {
    const next = { $ref: `#/$defs/d${index + 1}` }
    return [`d${index}`, { allOf: [next, next] }]
  }),
)

describe('a schema is refused, with the path of what is wrong:', () => {
  it.each<[what: string, schema: object, path: string, message: RegExp]>([
    ['an unknown keyword', { properties: { a: { typ: 'string' } } }, 'schema.properties.a.typ', /not a supported JSON Schema keyword/],
    ['an unknown type', { properties: { a: { type: 'text' } } }, 'schema.properties.a.type', /must be/],
    ['a bad keyword value', { properties: { a: { minLength: -1 } } }, 'schema.properties.a.minLength', /must be >= 0/],
    ['a remote reference', { $ref: 'https://example.com/s.json' }, 'schema.$ref', /inside this one/],
    ['a reference to nothing', { $ref: '#/$defs/x' }, 'schema.$ref', /inside this one/],
    ['a reference to a value', { $ref: '#/const', const: { uniqueItems: true } }, 'schema.$ref', /inside this one/],
    ['a reference in a circle', { properties: { a: { $ref: '#' } } }, 'schema', /circular \$ref/],
    ['references that multiply', { $ref: '#/$defs/d0', $defs: { ...doubling, d20: {} } }, 'schema', /at most 1000 schemas/],
    ['an unknown format', { properties: { a: { format: 'iban' } } }, 'schema.properties.a.format', /must be one of date/],
    ['look-around in a pattern', { pattern: '(?=a)' }, 'schema.pattern', /lookaround/],
    ['a pattern that is none', { patternProperties: { '(': {} } }, 'schema.patternProperties', /missing closing/],
    ['a pattern that is too large', { pattern: 'a{1000}b{1000}' }, 'schema.pattern', /at most 300 repetitions/],
    ['an asynchronous schema', { $async: true }, 'schema.$async', /not a supported JSON Schema keyword/],
    ['a name of its own', { $id: 'https://example.com/x' }, 'schema.$id', /not a supported JSON Schema keyword/],
    ['another dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }, 'schema.$schema', /must be one of/],
    ['a keyword of another dialect', { $schema: 'http://json-schema.org/draft-07/schema#', prefixItems: [{}] }, 'schema', /prefixItems/],
    ['unique items without a bound', { uniqueItems: true }, 'schema.uniqueItems', /requires maxItems/],
    ['too many bytes', { description: 'x'.repeat(70_000) }, 'schema', /at most 65536 bytes/],
    ['too many alternatives', { anyOf: Array.from({ length: 501 }, (_, n) => ({ minimum: n })) }, 'schema.anyOf', /at most 500 schemas/],
    ['allOf of 1,700, which no event could be checked by', { allOf: Array.from({ length: 1_700 }, (_, n) => ({ required: [`a${n}`] })) }, 'schema.allOf', /at most 500 schemas/],
    ['too many levels', nested(40), 'schema', /deeper than 32/],
  ])('%s', async (_what, bad, path, message) => {
    const { api } = await makeTenant(stack)
    const [first] = errorsOf(await api.post('/event-types', { type: 'x', schema: bad }).expect(422))
    expect(first?.path).toBe(path)
    expect(first?.message).toMatch(message)
  }) // prettier-ignore

  it('a sample that does not fit it, also when only one of the two changes', async () => {
    const { api } = await tenantWith({ schema, sample: good })
    const sample = { person: {}, riskLevel: 'high' }
    const refused = await api.post('/event-types', { type: 'x', schema, sample }).expect(422)
    expect(errorsOf(refused)).toEqual([{ path: 'sample.person.name', message: 'is required' }])
    const narrower = { ...schema, required: ['country'] }
    const changed = await api.patch('/event-types/kyc.checked', { schema: narrower }).expect(422)
    expect(errorsOf(changed)).toEqual([{ path: 'sample.country', message: 'is required' }])
  })

  it('none at all where it is to be enforced', async () => {
    const { api } = await tenantWith({ schema, enforce: true })
    expect(errorsOf(await api.post('/event-types', { type: 'x', enforce: true }).expect(422))[0]?.path).toBe(
      'enforce',
    )
    expect(errorsOf(await api.patch('/event-types/kyc.checked', { schema: null }).expect(422))[0]?.path).toBe(
      'enforce',
    )
  })
})

describe('an enforced schema', () => {
  it('refuses an event with the path of every misfit, and takes one that fits', async () => {
    const { api } = await tenantWith()
    await post(api, 'kyc.checked', good).expect(202)
    const refused = await post(api, 'kyc.checked', {
      person: { name: 5 },
      riskLevel: 'medium',
      reference: 'X',
    }).expect(422)
    expect(refused.body).toMatchObject({ code: 'invalid_request' })
    expect(errorsOf(refused)).toEqual([
      { path: 'data.person.name', message: 'must be of type string' },
      { path: 'data.reference', message: 'must match the pattern ^KYC-[0-9]+$' },
      { path: 'data.riskLevel', message: 'must be one of "low", "high"' },
    ])
  })

  it('starts nothing for an event that it refuses', async () => {
    const { api } = await tenantWith()
    await api.post('/events', { id: 'evt_refused', type: 'kyc.checked', data: {} }).expect(422)
    await api.get('/events/evt_refused').expect(404)
    await api.post('/events', { id: 'evt_refused', type: 'kyc.checked', data: good }).expect(202)
  })

  it('refuses single events of a batch, each with its place', async () => {
    const { api } = await tenantWith()
    const events = [
      { type: 'kyc.checked', data: good },
      { type: 'kyc.checked', data: { person: {}, riskLevel: 'low' } },
      { type: 'another', data: {} },
    ]
    const { results } = (await api.post('/events/batch', { events }).expect(207)).body as {
      results: { status: number; error?: { errors: FieldError[] } }[]
    }
    expect(results.map(({ status }) => status)).toEqual([202, 422, 202])
    expect(results[1]?.error?.errors).toEqual([{ path: 'events.1.data.person.name', message: 'is required' }])
  })

  it('holds for a type under each of its names', async () => {
    const { api } = await tenantWith({ type: 'AML', schema: { required: ['id'] }, enforce: true })
    await post(api, 'AML_SCREENING', {}).expect(422)
    await post(api, 'AML_SCREENING', { id: 1 }).expect(202)
  })

  it('ends when it is no longer enforced, and when the type is deleted', async () => {
    const { api } = await tenantWith()
    await post(api, 'kyc.checked', {}).expect(422)
    await api.patch('/event-types/kyc.checked', { enforce: false }).expect(200)
    await post(api, 'kyc.checked', {}).expect(202)
    await api.patch('/event-types/kyc.checked', { enforce: true }).expect(200)
    await post(api, 'kyc.checked', {}).expect(422)
    await api.delete('/event-types/kyc.checked').expect(204)
    await post(api, 'kyc.checked', {}).expect(202)
  })

  it('is the one that was written last', async () => {
    const { api } = await tenantWith({ schema: { required: ['a'] }, enforce: true })
    await post(api, 'kyc.checked', { b: 1 }).expect(422)
    await api.patch('/event-types/kyc.checked', { schema: { required: ['b'] } }).expect(200)
    await post(api, 'kyc.checked', { b: 1 }).expect(202)
  })

  it('lists at most 20 misfits, and of large data the first', async () => {
    const { api } = await tenantWith({ schema: { additionalProperties: false }, enforce: true })
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]))
    expect(errorsOf(await post(api, 'kyc.checked', many(50)).expect(422))).toHaveLength(20)
    expect(errorsOf(await post(api, 'kyc.checked', many(5000)).expect(422))).toEqual([
      { path: 'data.f0', message: 'is not a known field' },
    ])
  })

  // With backtracking this pattern takes longer than the universe has.
  it('is decided by a pattern that others are slow with', async () => {
    const { api } = await tenantWith({
      schema: { properties: { a: { pattern: '^(a+)+$' } } },
      enforce: true,
    })
    await post(api, 'kyc.checked', { a: `${'a'.repeat(100_000)}!` }).expect(422)
    await post(api, 'kyc.checked', { a: 'a'.repeat(100_000) }).expect(202)
  })

  it('checks formats', async () => {
    const properties = { at: { format: 'date-time' }, mail: { format: 'email' }, id: { format: 'uuid' } }
    const { api } = await tenantWith({ schema: { properties }, enforce: true })
    const fits = {
      at: '2026-11-21T10:15:00Z',
      mail: 'a@example.com',
      id: '5b0c6c1e-3f7a-4d52-9a86-1c7e4f0b2d93',
    }
    await post(api, 'kyc.checked', fits).expect(202)
    const errors = errorsOf(await post(api, 'kyc.checked', { at: 'today', mail: 'a', id: 'b' }).expect(422))
    expect(errors.map(({ path }) => path)).toEqual(['data.at', 'data.id', 'data.mail'])
  })

  it.each([undefined, 'http://json-schema.org/draft-07/schema#'])(
    'counts multiples in decimal: 19.99 is one of 0.01, in the dialect %s',
    async ($schema) => {
      const price = { multipleOf: 0.01 }
      const { api } = await tenantWith({ schema: { $schema, properties: { price } }, enforce: true })
      await post(api, 'kyc.checked', { price: 19.99 }).expect(202)
      const refused = await post(api, 'kyc.checked', { price: 19.999 }).expect(422)
      expect(errorsOf(refused)).toEqual([{ path: 'data.price', message: 'must be multiple of 0.01' }])
    },
  )

  it('asks only for what an event has of its own: every object inherits constructor and toString', async () => {
    const properties = { toString: { type: 'string' } }
    const { api } = await tenantWith({ schema: { properties, required: ['constructor'] }, enforce: true })
    expect(errorsOf(await post(api, 'kyc.checked', {}).expect(422))).toEqual([
      { path: 'data.constructor', message: 'is required' },
    ])
    await post(api, 'kyc.checked', { constructor: 1 }).expect(202)
    await post(api, 'kyc.checked', { constructor: 1, toString: 2 }).expect(422)
  })

  it('may be of draft-07', async () => {
    const $schema = 'http://json-schema.org/draft-07/schema#'
    const { api } = await tenantWith({
      schema: {
        $schema,
        properties: { pair: { items: [{ type: 'string' }, { $ref: '#/definitions/n' }] } },
        definitions: { n: { type: 'number' } },
      },
      enforce: true,
    })
    await post(api, 'kyc.checked', { pair: ['a', 1] }).expect(202)
    expect(errorsOf(await post(api, 'kyc.checked', { pair: ['a', 'b'] }).expect(422))[0]?.path).toBe(
      'data.pair.1',
    )
  })
})

describe('a preset', () => {
  it('is one of the four contracts', async () => {
    const { api } = await makeTenant(stack)
    const { data } = (await api.get('/event-types/presets').expect(200)).body as {
      data: { preset: string; types: string[] }[]
    }
    expect(data.map(({ preset, types }) => [preset, types.length])).toEqual([
      ['webhooks-api', 33],
      ['dataspike', 3],
      ['kyc-webhooks', 6],
      ['smart-kyc', 11],
    ])
    await api.post('/event-types/presets', { preset: 'switchyard' }).expect(422)
    await api.post('/event-types', { type: 'presets' }).expect(422)
  })

  it.each(['webhooks-api', 'dataspike', 'kyc-webhooks', 'smart-kyc'])(
    '%s registers its types, whose samples are accepted and whose fields have types',
    async (preset) => {
      const { api } = await makeTenant(stack)
      const { registered } = (await api.post('/event-types/presets', { preset, enforce: true }).expect(200)).body as {
        registered: string[]
      }
      expect(registered.length).toBeGreaterThan(2)
      for (const type of registered) {
        const { sample } = (await api.get(`/event-types/${type}`).expect(200)).body as { sample: Record<string, unknown> }
        await post(api, type, sample).expect(202)
        await post(api, type, { ...sample, another: 1 }).expect(202)
        const [[field, value] = ['', '']] = Object.entries(sample)
        const isText = typeof value === 'string'
        const refused = await post(api, type, { ...sample, [field]: isText ? 5 : 'no' }).expect(422)
        expect(errorsOf(refused)).toEqual([{ path: `data.${field}`, message: `must be of type ${Array.isArray(value) ? 'array' : typeof value}` }])
      }
    },
  ) // prettier-ignore

  it('leaves what is registered as it is', async () => {
    const { api } = await tenantWith({ type: 'AML', description: 'Ours' })
    const made = await api.post('/event-types/presets', { preset: 'dataspike' }).expect(200)
    expect(made.body).toEqual({ registered: ['DOCVER', 'APPLICANT'], existing: ['AML'] })
    expect((await api.get('/event-types/AML')).body).toMatchObject({ description: 'Ours', enforce: false })
    const again = await api.post('/event-types/presets', { preset: 'dataspike' }).expect(200)
    expect(again.body).toEqual({ registered: [], existing: ['DOCVER', 'APPLICANT', 'AML'] })
    await post(api, 'DOCVER', { id: 5 }).expect(202)
  })
})

function nested(levels: number): object {
  return levels === 0 ? {} : { not: nested(levels - 1) }
}
