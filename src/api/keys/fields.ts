import { z } from 'zod'
import { idPageReply } from '../http/id-page.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { environments } from '../../domain/event.ts'
import { duration } from '../destinations/fields.ts'
import { keyScopes } from '../auth/scopes.ts'
import { storableTime, nameText } from '../fields/text.ts'

export const scopeList = z
  .array(z.enum(keyScopes))
  .min(1)
  .max(keyScopes.length)
  .refine((list) => new Set(list).size === list.length, 'must not contain duplicate scopes')

export const keyExpiry = storableTime.refine((time) => Date.parse(time) > Date.now(), 'must be in the future')

export const platformKeyBody = z
  .strictObject({
    name: nameText.optional(),
    expiresAt: keyExpiry.optional(),
  })
  .meta({ id: 'NewPlatformKeyRequest' })

export const rotateBody = z
  .strictObject({
    overlap: duration.default('24h').meta({
      description: 'How long the previous key keeps working, at most 7d; 0s ends it immediately.',
    }),
    expiresAt: keyExpiry
      .optional()
      .meta({ description: 'The expiry of the new key; the default is that of the previous key.' }),
  })
  .meta({ id: 'KeyRotation' })
export type Rotation = z.output<typeof rotateBody>

export const platformKeyReply = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    lastFour: z.string(),
    createdAt: z.string(),
    expiresAt: z.string().optional(),
    revokedAt: z.string().optional(),
    lastUsedAt: z.string().optional().meta({ description: 'Accurate to the minute.' }),
    replacedBy: z.string().optional().meta({ description: 'The id of the key that replaced this one.' }),
  })
  .meta({ id: 'PlatformKey' })

const keyReply = platformKeyReply
  .extend({
    environment: z.enum(environments),
    scopes: z.array(z.string()),
  })
  .meta({ id: 'Key' })
export const keyPage = idPageReply('KeyPage', keyReply)

/** Contains the key itself, which no other response contains. */
const shownOnce = { key: z.string().meta({ description: 'Returned only in this response.' }) }
const rotated = {
  ...shownOnce,
  replaces: z.string().meta({ description: 'The id of the previous key.' }),
  previousEndsAt: z.string(),
}
export const newKeyReply = keyReply.extend(shownOnce).meta({ id: 'NewKey' })
export const rotatedReply = keyReply.extend(rotated).meta({ id: 'RotatedKey' })
export const newPlatformKeyReply = platformKeyReply.extend(shownOnce).meta({ id: 'NewPlatformKey' })
export const rotatedPlatformReply = platformKeyReply.extend(rotated).meta({ id: 'RotatedPlatformKey' })

/** Returns a key for lists, without the key itself or its hash. */
export function showKey(key: ApiKey) {
  return definedOnly({
    id: key.id,
    ...(key.environment !== null && { environment: key.environment, scopes: key.scopes }),
    name: key.name ?? undefined,
    lastFour: key.lastFour,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString(),
    revokedAt: key.revokedAt?.toISOString(),
    lastUsedAt: key.lastUsedAt?.toISOString(),
    replacedBy: key.replacedBy ?? undefined,
  })
}
