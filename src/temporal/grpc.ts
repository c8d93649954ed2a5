import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client'

/** gRPC's status of a failed call. The SDK's client wraps what gRPC said; its service stubs hand it on as it is. */
export function grpcCode(error: unknown): number | undefined {
  const wrapped = error instanceof Error ? error.cause : undefined
  return [error, wrapped].find((candidate) => isGrpcServiceError(candidate))?.code
}

export const grpcInvalidArgument = 3
export const grpcDeadlineExceeded = 4
const grpcNotFound = 5

/** Temporal has no such workflow, or has forgotten it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === grpcNotFound
}
