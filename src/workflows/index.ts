/** The workflows that a worker registers: the entry point of the sandboxed bundle. Names are in contract.ts. */
export { deliverBatch, deliverBatch as replayBatch } from './deliver-all.ts'
export { routeEvent, routeEvent as replayEvent } from './route-event.ts'
