import fc from 'fast-check'

export const nodes = ['api-1', 'api-2', 'worker-1', 'worker-2'] as const
export type NodeName = (typeof nodes)[number]
const processes = [...nodes, 'temporal', 'postgres'] as const
export type ProcessName = (typeof processes)[number]

/** How a receiver misbehaves. `cut` ends the connection within the status line, `half` within the body of a 200. */
const misbehaviours = ['hang', 'reset', 'error', 'slow', 'cut', 'half'] as const
export type Misbehaviour = (typeof misbehaviours)[number]

/** The receivers that misbehave; the others always answer, so that their arrivals show what the product does. */
const faultyReceivers = ['plain', 'ordered', 'paced', 'oncall', 'delayed', 'digests'] as const
type FaultyReceiver = (typeof faultyReceivers)[number]

export type Fault =
  /** SIGKILL, and a restart after a while. */
  | { kind: 'kill'; targets: readonly ProcessName[]; forMs: number }
  /** SIGKILL, and a restart with a clock that is wrong from then on. */
  | { kind: 'skew'; target: NodeName; clockMs: number; forMs: number }
  | { kind: 'receiver'; target: FaultyReceiver; how: Misbehaviour; forMs: number }
  /** The mail server answers every message with 451. */
  | { kind: 'mail'; forMs: number }
  /** Slack answers 429 with `Retry-After: 2`. */
  | { kind: 'slack'; forMs: number }
  /** The archive's disk is full while a day is archived. */
  | { kind: 'archive'; forMs: number }

/** A fault begins as soon as this many events have been accepted. */
export type PlannedFault = Fault & { afterEvents: number }

export interface ScheduleOptions {
  seed: number
  events: number
  kills: number
  /** Faults of receivers, of each kind of channel. */
  receiverFaults: number
  /** Processes that are never killed. */
  spared?: readonly ProcessName[]
}

/** Draws the faults of a run. The same options give the same schedule, whatever the machine's speed. */
export function drawSchedule(options: ScheduleOptions): PlannedFault[] {
  const { seed, events, kills, receiverFaults, spared = [] } = options
  const faults = draw(faultsOf(kills, receiverFaults), seed).flatMap((fault) => spare(fault, spared))
  // One fault in each of equal parts of the load, which leaves its last tenth in peace.
  const part = (events * 0.9) / faults.length
  const offsets = draw(fc.array(fc.double({ min: 0, max: 0.7, noNaN: true }), fixed(faults.length)), seed + 1)
  return faults.map((fault, index) => ({
    ...fault,
    afterEvents: Math.max(1, Math.floor(part * (index + (offsets[index] ?? 0)))),
  }))
}

function spare(fault: Fault, spared: readonly ProcessName[]): Fault[] {
  if (fault.kind === 'skew') return spared.includes(fault.target) ? [] : [fault]
  if (fault.kind !== 'kill') return [fault]
  const targets = fault.targets.filter((target) => !spared.includes(target))
  return targets.length === 0 ? [] : [{ ...fault, targets }]
}

/** One value, drawn evenly: fast-check prefers small values in its first runs. */
function draw<Value>(arbitrary: fc.Arbitrary<Value>, seed: number): Value {
  const [value] = fc.sample(fc.noBias(arbitrary), { seed, numRuns: 1 })
  return value as Value
}

function faultsOf(kills: number, receiverFaults: number): fc.Arbitrary<Fault[]> {
  return fc
    .tuple(
      killsOf(kills),
      fc.array(receiverFault, fixed(receiverFaults)).map(inTurn),
      fc.record({ kind: fc.constant('mail' as const), forMs: fc.integer({ min: 2_000, max: 6_000 }) }),
      fc.record({ kind: fc.constant('slack' as const), forMs: fc.integer({ min: 2_000, max: 6_000 }) }),
      fc.record({ kind: fc.constant('archive' as const), forMs: fc.integer({ min: 2_000, max: 6_000 }) }),
    )
    .chain(([killed, received, ...others]) => {
      const all: Fault[] = [...killed, ...received, ...others]
      return fc.shuffledSubarray(all, fixed(all.length))
    })
}

/** Every process is killed before any is killed again; with ten or more kills, all are killed at once, and two clocks are wrong. */
function killsOf(count: number): fc.Arbitrary<Fault[]> {
  const special = count >= 10 ? 3 : 0
  const forMs = fc.integer({ min: 500, max: 5_000 })
  const rounds = Math.ceil((count - special) / processes.length)
  const single = fc
    .array(
      fc.tuple(
        fc.shuffledSubarray([...processes], fixed(processes.length)),
        fc.array(forMs, fixed(processes.length)),
      ),
      fixed(rounds),
    )
    .map((drawn) =>
      drawn
        .flatMap(([order, times]) =>
          order.map((target, index): Fault => ({
            kind: 'kill',
            targets: [target],
            forMs: times[index] ?? 500,
          })),
        )
        .slice(0, count - special),
    )
  if (special === 0) return single
  const everything = forMs.map((ms): Fault => ({ kind: 'kill', targets: processes, forMs: ms }))
  const skew = (target: fc.Arbitrary<NodeName>) =>
    fc.record({
      kind: fc.constant('skew' as const),
      target,
      clockMs: fc.constantFrom(-120_000, -30_000, 30_000, 120_000),
      forMs,
    })
  const skews = fc.tuple(
    skew(fc.constantFrom('api-1', 'api-2')),
    skew(fc.constantFrom('worker-1', 'worker-2')),
  )
  return fc.tuple(single, everything, skews).map(([one, all, wrong]) => [...one, all, ...wrong])
}

const receiverFault = fc.record({
  how: fc.constantFrom(...misbehaviours),
  forMs: fc.integer({ min: 2_000, max: 8_000 }),
})

/** Receivers take turns, so that none misbehaves for so long that a delivery's schedule ends. */
function inTurn(faults: { how: Misbehaviour; forMs: number }[]): Fault[] {
  return faults.map((fault, index) => ({
    kind: 'receiver',
    target: faultyReceivers[index % faultyReceivers.length] ?? 'plain',
    ...fault,
  }))
}

function fixed(length: number) {
  return { minLength: length, maxLength: length }
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  const seconds = `for ${(fault.forMs / 1000).toFixed(1)} s`
  switch (fault.kind) {
    case 'kill':
      return `kill ${fault.targets.length === processes.length ? 'everything' : fault.targets.join(', ')}, down ${seconds}`
    case 'skew':
      return `kill ${fault.target}, down ${seconds}, its clock then ${fault.clockMs > 0 ? '+' : ''}${fault.clockMs / 1000} s`
    case 'receiver':
      return `receiver ${fault.target}: ${fault.how} ${seconds}`
    case 'mail':
      return `mail server: 451 ${seconds}`
    case 'slack':
      return `Slack: 429 ${seconds}`
    case 'archive':
      return `archive: disk full ${seconds}`
  }
}
