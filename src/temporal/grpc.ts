import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client'

/** The gRPC status of a failed call. The SDK's client wraps gRPC's error; its service stubs pass it on unchanged. */
export function grpcCode(error: unknown): number | undefined {
  const wrapped = error instanceof Error ? error.cause : undefined
  return [error, wrapped].find((candidate) => isGrpcServiceError(candidate))?.code
}

export const grpcInvalidArgument = 3
export const grpcDeadlineExceeded = 4
const grpcNotFound = 5

/** True if Temporal does not know such a workflow, or has deleted it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === grpcNotFound
}

/** Awaits a call about a workflow. If Temporal has no such workflow, returns what `otherwise` does, which may throw. */
export async function foundOr<Result, Other>(
  call: Promise<Result>,
  otherwise: () => Other,
): Promise<Result | Other> {
  try {
    return await call
  } catch (error) {
    if (isNotFound(error)) return otherwise()
    throw error
  }
}

/** Awaits a call about a workflow. Resolves to `undefined` if Temporal has no such workflow. */
export function ifFound<Result>(call: Promise<Result>): Promise<Result | undefined> {
  return foundOr(call, () => undefined)
}
