import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../../src/api/errors.ts'
import { structureProblems } from '../../../src/api/rules/checks.ts'
import { ruleBody, rulePatch } from '../../../src/api/rules/fields.ts'
import { validate } from '../../../src/api/fields/validate.ts'
import { ruleLimits } from '../../../src/domain/rules/rule.ts'

const toA = { deliver: { to: ['dst_a'] } }
const rule = { name: 'r', when: { events: ['aml.*'] }, steps: [toA] }
const night = { timezone: 'Europe/Berlin', between: ['22:00', '07:00'] }
const known = 'use one of deliver, delay, awaitAck, branch, digest, stop'
const window = 'must be a window with timezone and between, or an array of windows'

/** `path message` of every problem, by the schema and, where that finds none, by what stands where. */
function problems(body: unknown): string[] {
  try {
    return structureProblems(validate(ruleBody, body)).map(({ path, message }) => `${path} ${message}`)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return (error.errors ?? []).map(({ path, message }) => `${path} ${message}`)
  }
}

const steps = (...list: unknown[]) => ({ ...rule, steps: list })
const awaitAck = (otherwise?: unknown[]) => ({ awaitAck: { within: '15m', ...(otherwise && { otherwise }) } })
const branch = (then: unknown[], otherwise?: unknown[]) => ({
  branch: { filter: { 'data.a': 1 }, steps: then, ...(otherwise && { else: otherwise }) },
})
const digest = { digest: { window: '1h' } }

/** So many lists of steps inside of each other. */
function nested(lists: number): unknown[] {
  return lists === 1 ? [toA] : [branch(nested(lists - 1))]
}

describe('each kind of step is taken as it is written', () => {
  it.each([
    ['deliver', { deliver: { to: ['dst_a'], template: 'tpl_a', waitFor: 'outcome', onFailure: [toA] } }],
    ['delay', { delay: '1h' }],
    ['delay until', { delay: { until: '09:00', timezone: 'Asia/Kolkata' } }],
    ['branch', { branch: { filter: { 'data.a': { $gt: 1 } }, steps: [], else: [toA] } }],
    ['digest', { digest: { window: '7d', by: 'data.customerId', max: 3 } }],
    ['stop', { stop: true }],
    ['stop with a reason', { stop: 'why' }],
  ])('%s', (_name, step) => {
    expect(validate(ruleBody, { ...rule, steps: [step] }).steps).toEqual([step])
  })

  it('awaitAck, nested', () => {
    const list = [toA, awaitAck([toA, awaitAck([{ stop: true }])])]
    expect(problems({ ...rule, steps: list })).toEqual([])
    expect(validate(ruleBody, { ...rule, steps: list }).steps).toEqual(list)
  })

  it('defaults: enabled, a digest of 100, one window of quiet hours as a list', () => {
    const given = { ...rule, digest: { window: '1h' }, quietHours: night }
    expect(validate(ruleBody, given)).toEqual({
      ...given,
      enabled: true,
      digest: { window: '1h', max: 100 },
      quietHours: [night],
    })
  })
})

describe('what is wrong is named with its exact path', () => {
  it.each<[string, unknown, string[]]>([
    ['nothing at all', {}, ['name is required', 'when is required', 'steps is required']],
    ['no rule', 7, ['(body) must be of type object']],
    [
      'no event types',
      { ...rule, when: { events: [] } },
      ['when.events must contain at least one event type'],
    ],
    [
      'an operator that is not known',
      { ...rule, when: { events: ['all'], filter: { $or: [{ 'data.a': { $where: 'x' } }] } } },
      [expect.stringMatching(/^when\.filter\.\$or\.0\.data\.a\.\$where is not a known operator/) as string],
    ],
    [
      'no steps',
      steps(),
      ['steps must not be empty; for a rule that does nothing, use [{"stop": "reason"}]'],
    ],
    ['steps that are none', { ...rule, steps: 'deliver' }, ['steps must be of type array']],
    ['an unknown field', { ...rule, colour: 'red' }, ['colour is not a known field']],
    ['position 0', { ...rule, position: 0 }, ['position must be at least 1']],
    [
      'a step with another name',
      steps({ await_ack: {} }, { notify: {} }),
      [
        `steps.0.await_ack is not a kind of step; did you mean awaitAck? ${known}`,
        `steps.1.notify is not a kind of step; ${known}`,
      ],
    ],
    [
      'a step that is empty, none, or two',
      steps({}, null, [], { delay: '1h', stop: true }),
      [
        'steps.0 must be one of deliver, delay, awaitAck, branch, digest, stop',
        'steps.1 must be of type object',
        'steps.2 must be of type object',
        'steps.3 combines delay and stop; a step must have exactly one kind',
      ],
    ],
    [
      'something wrong deep inside',
      steps(toA, awaitAck([{ deliver: { to: [7] } }, branch([{ delay: 'soon' }], [{ stop: 0 }])])),
      [
        'steps.1.awaitAck.otherwise.0.deliver.to.0 must be of type string',
        'steps.1.awaitAck.otherwise.1.branch.steps.0.delay must be a duration such as 1h, or {"until": "09:00", "timezone": "Europe/Berlin"}',
        'steps.1.awaitAck.otherwise.1.branch.else.0.stop must be true or a string that gives the reason',
      ],
    ],
    [
      'deliver with nobody, an unknown field, another wait',
      steps({ deliver: { to: [], onFail: [], waitFor: 'ack' } }),
      [
        'steps.0.deliver.to must contain at least one destination',
        'steps.0.deliver.waitFor must be one of outcome',
        'steps.0.deliver.onFail is not a known field',
      ],
    ],
    [
      'too many destinations',
      steps({ deliver: { to: Array.from({ length: 51 }, (_, n) => `dst_${n}`) } }),
      ['steps.0.deliver.to must contain at most 50 destinations'],
    ],
    [
      'waits that are none, or too long',
      steps(
        { delay: '0s' },
        { delay: '31d' },
        { awaitAck: { within: '721h' } },
        { digest: { window: '8d' } },
      ),
      [
        'steps.0.delay must be greater than 0',
        'steps.1.delay must be at most 30d',
        'steps.2.awaitAck.within must be at most 30d',
        'steps.3.digest.window must be at most 7d',
      ],
    ],
    [
      'a time of day and a zone that are none',
      steps({ delay: { until: '24:00', timezone: '+02:00' } }, { delay: {} }),
      [
        'steps.0.delay.until must be a time of day from 00:00 to 23:59',
        'steps.0.delay.timezone must be an IANA time zone such as Europe/Berlin or UTC',
        'steps.1.delay.until is required',
        'steps.1.delay.timezone is required',
      ],
    ],
    [
      'paths that lead nowhere',
      { ...rule, dedupe: { by: 'customerId', within: '1h' }, throttle: { limit: 0, per: '1x', by: 'data' } },
      [
        'throttle.limit must be at least 1',
        'throttle.per must be a duration such as 30s, 15m, 2h or 1d',
        'throttle.by must be a path into the event such as data.customerId or type',
        'dedupe.by must be a path into the event such as data.customerId or type',
      ],
    ],
    ['quiet hours that are none', { ...rule, quietHours: 'at night' }, [`quietHours ${window}`]],
    ['no window at all', { ...rule, quietHours: [] }, ['quietHours must not be empty; omit it instead']],
    [
      'a window with half a span',
      { ...rule, quietHours: { ...night, between: ['22:00'] } },
      ['quietHours.between must be two times of day such as ["22:00", "07:00"]'],
    ],
    [
      'the second window of a list',
      { ...rule, quietHours: [night, { timezone: 'CET-1', between: ['24:00', '7:00'], days: ['monday'] }] },
      [
        'quietHours.1.timezone must be an IANA time zone such as Europe/Berlin or UTC',
        'quietHours.1.between.0 must be a time of day from 00:00 to 23:59',
        'quietHours.1.between.1 must be a time of day from 00:00 to 24:00',
        'quietHours.1.days.0 must be one of mon, tue, wed, thu, fri, sat, sun',
      ],
    ],
    [
      'quiet hours without an end',
      { ...rule, quietHours: { timezone: 'UTC', between: ['00:00', '24:00'] } },
      ['quietHours is always quiet, so nothing would ever be sent'],
    ],
    [
      'too many steps',
      steps(...Array.from({ length: 51 }, () => toA)),
      ['steps must contain at most 50 steps'],
    ],
    [
      'too many steps, counted with nested ones',
      steps(branch(Array.from({ length: 30 }, () => toA)), branch(Array.from({ length: 30 }, () => toA))),
      ['steps must contain at most 50 steps, including nested ones; there are 62'],
    ],
    [
      'too deep',
      steps(...nested(ruleLimits.depth + 1)),
      [
        `steps${'.0.branch.steps'.repeat(8)} is nested too deeply; lists of steps can be nested at most 8 levels deep`,
      ],
    ],
    [
      'steps after a stop',
      steps(branch([{ stop: true }, toA]), { stop: 'enough' }, toA),
      [
        'steps.2 is unreachable because the step before it stops the rule',
        'steps.0.branch.steps.1 is unreachable because the step before it stops the rule',
      ],
    ],
    [
      'a branch of nothing',
      steps(branch([])),
      ['steps.0.branch.steps must not be empty unless there is an else'],
    ],
    [
      'a list of nothing',
      steps(branch([toA], [])),
      ['steps.0.branch.else must not be empty; omit it instead'],
    ],
    [
      'a digest inside of another step',
      steps(branch([digest, toA])),
      ['steps.0.branch.steps.0.digest must be a top-level step of the rule, not nested in another step'],
    ],
    [
      'two digests',
      steps(digest, toA, digest, toA),
      ['steps.2.digest is the rule’s second digest; a rule can have at most one'],
    ],
    [
      'a digest beside the steps and one among them',
      { ...steps(digest, toA), ...digest },
      ['steps.0.digest is the rule’s second digest; a rule can have at most one'],
    ],
    [
      'a digest that nobody is told of',
      steps(toA, digest),
      ['steps.1.digest must be followed by the steps that deliver the digest'],
    ],
    [
      'waiting for an acknowledgement of a digest that nobody was told of',
      steps(toA, digest, awaitAck()),
      [
        'steps.2.awaitAck must come after a step that delivers the digest, because nobody has received it yet',
      ],
    ],
    [
      'likewise of one beside the steps',
      { ...steps(awaitAck([toA]), awaitAck()), ...digest },
      [
        'steps.0.awaitAck must come after a step that delivers the digest, because nobody has received it yet',
      ],
    ],
  ])('%s', (_name, body, expected) => {
    expect(problems(body)).toEqual(expected)
  })

  it('lists nested by the thousand are refused, and do not exhaust the stack', () => {
    let list: unknown[] = [toA]
    for (let depth = 0; depth < 20_000; depth++) list = [branch(list)]
    expect(problems({ ...rule, steps: list })).toEqual(['steps must not be nested deeper than 64 levels'])
  })

  it('a key that objects inherit is not a step', () => {
    const step = JSON.parse('{"__proto__": {"to": ["dst_a"]}}') as unknown
    expect(problems(steps(step, { constructor: 1 }))).toEqual([
      `steps.0.__proto__ is not a kind of step; ${known}`,
      `steps.1.constructor is not a kind of step; ${known}`,
    ])
  })
})

describe('an acknowledgement can be waited for', () => {
  it.each([
    ['after a delivery in a branch', [branch([toA], [{ delay: '1h' }]), awaitAck()]],
    ['where a delivery has failed', [{ deliver: { to: ['dst_a'], onFailure: [awaitAck([toA])] } }]],
    ['after the digest was delivered', [digest, toA, awaitAck()]],
    ['first, as another rule may have told somebody', [awaitAck([toA]), awaitAck()]],
    ['where the lists are as deep as they may be', nested(ruleLimits.depth)],
  ])('%s', (_name, list) => {
    expect(problems({ ...rule, steps: list })).toEqual([])
  })
})

it('a change takes null for what is optional only', () => {
  const gone = { quietHours: null, digest: null, throttle: null, dedupe: null, exclusive: null }
  expect(validate(rulePatch, gone)).toEqual(gone)
  expect(validate(rulePatch, {})).toEqual({})
  for (const field of ['name', 'when', 'steps', 'enabled', 'position'])
    expect(rulePatch.safeParse({ [field]: null }).success).toBe(false)
})

describe('docs/guides/rules.md', () => {
  const page = readFileSync(new URL('../../../docs/guides/rules.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)]
    .map(([, text = '']) => JSON.parse(text) as { name?: string; steps?: unknown })
    .filter(({ steps }) => steps !== undefined)

  it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(5))

  it.each(examples.map((example) => [example.name, example]))('“%s” is a valid rule', (_name, example) => {
    expect(problems(example)).toEqual([])
  })

  it('tells the limits that hold', () => {
    const limits = Object.fromEntries(
      [...page.slice(page.indexOf('## Limits')).matchAll(/^\| (.+?) +\| (\d+)( days)? +\|$/gm)].map(
        ([, what = '', most]) => [what, Number(most)],
      ),
    )
    expect(limits).toEqual({
      'Rules of an environment': ruleLimits.rules,
      'Destinations named by the enabled rules of an environment, each time counted':
        ruleLimits.namedDestinations,
      'Steps of a rule, nested ones included': ruleLimits.steps,
      'Nesting depth of step lists': ruleLimits.depth,
      'Destinations of one `deliver`': ruleLimits.destinations,
      'Windows of quiet hours': ruleLimits.quietHours,
      'Events of a digest': ruleLimits.digestMax,
      'Window of a digest': 7,
      'Any other wait, `throttle.per`, `dedupe.within`': ruleLimits.longestWaitMs / (24 * 3600 * 1000),
    })
  })
})
