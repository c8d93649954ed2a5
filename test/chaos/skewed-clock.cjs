// Loaded by NODE_OPTIONS into a process whose clock is wrong by CLOCK_SKEW_MS. Temporal's server keeps its own clock.
const skewMs = Number(process.env.CLOCK_SKEW_MS)
const RealDate = Date
globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + skewMs)
    else super(...args)
  }

  static now() {
    return RealDate.now() + skewMs
  }
}
