/** Mails that the platform's server sends for a tenant in an hour, one for each recipient, unless its limits say otherwise. */
export const defaultEmailsPerHour = 1000

/** How often an address is asked to confirm in a day, whoever asks: nobody is to be flooded by our questions. */
export const confirmationsPerDay = 10
