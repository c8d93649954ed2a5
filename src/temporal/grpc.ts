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
