/** The workflows that a worker registers: the entry point of the sandboxed bundle. Names are in contract.ts. */
export { collectDigest } from './collect-digest.ts'
export { deleteTenant } from './delete-tenant.ts'
export { deliverBatch, deliverBatch as replayBatch } from './deliver-all.ts'
export { eraseEvent } from './erase-event.ts'
export { replayEvents } from './replay-events.ts'
export { rollUpDays } from './roll-up.ts'
export { takeTurns } from './take-turns.ts'
export { routeEvent, routeEvent as replayEvent } from './route-event.ts'
