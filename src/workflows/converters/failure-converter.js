// JavaScript, as Temporal's SDK loads it by its path: into the workflows' bundle, and into the process by `require`.
import { DefaultFailureConverter } from '@temporalio/common'

/** Puts messages and stacks of errors into payloads, which the codec encrypts (src/temporal/payload-codec.ts). */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true })
