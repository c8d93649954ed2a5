/** The workflows that a worker registers: the entry point of the sandboxed bundle. Names are in contract.ts. */
export { routeEvent, routeEvent as replayEvent } from './route-event.ts'
