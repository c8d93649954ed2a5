import { z } from 'zod'
import { errorCodes, type ErrorCode } from '../errors.ts'

export const fieldProblem = z
  .object({
    path: z.string().meta({ description: 'The field, such as config.url; (body) is the whole body.' }),
    message: z.string(),
  })
  .meta({ id: 'FieldProblem' })

/** The body of every error, as `ApiError.toProblem` makes it. */
export const problemReply = z
  .object({
    type: z.string().meta({ description: '`urn:switchyard:error:` and the code.' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    detail: z.string().meta({ description: 'What is wrong and how to fix it, for people.' }),
    errors: z.array(fieldProblem).optional().meta({ description: 'The fields that are wrong.' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457). Decide by `code` and `status`.' })
