import crypto from 'node:crypto'
import { serveHttp, type Read } from './receiver.ts'

// "Signature Verification Example" of the Smart KYC document as it is printed there, with types added.
// prettier-ignore
function verifySignature(payload: Buffer, signature: unknown, secret: string) { const hmac = crypto.createHmac("sha256", secret); const calculatedSignature = hmac.update(payload).digest("hex"); return signature === calculatedSignature; }

/** "Standard Payload Structure" of the Smart KYC document. The secret is the API Secret. */
interface SmartKycPayload {
  event: string
  timestamp: string
  data: unknown
  tenantId: string
}

export const readSmartKyc: Read = ({ headers, body }, { secret }) => {
  if (!verifySignature(body, headers['x-smartkyc-signature'], secret))
    throw new Error('the signature does not match')
  const { event, timestamp, data, tenantId } = JSON.parse(body.toString()) as SmartKycPayload
  return { event, timestamp, data, tenantId }
}

/** "Return 200 OK quickly"; 401 where the signature is not right. */
export const startSmartKyc = () => serveHttp(readSmartKyc, 200)
