import type { Channel } from '../../channels/channel.ts'
import { findChannel } from '../../channels/index.ts'

/** Returns the channel of a stored destination, whose name was checked when it was written. */
export function getChannel(name: string): Channel {
  const channel = findChannel(name)
  if (!channel) throw new Error(`the channel ${name} is not in the registry`)
  return channel
}
