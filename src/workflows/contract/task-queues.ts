export const taskQueue = 'switchyard'

/** Attempts that must not hold up others: at slow destinations, and those beyond a limit (`lanes.ts`). */
export const slowTaskQueue = 'switchyard-slow'
