export const taskQueue = 'switchyard'

/** For attempts that must not delay others: at slow destinations, or beyond a limit (`lanes.ts`). */
export const slowTaskQueue = 'switchyard-slow'
