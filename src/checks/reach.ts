/** Who can reach an address that a server listens on. */

/** `::1`, `127.0.0.0/8`, `localhost`, Unix sockets. */
export const isLoopback = (address: string): boolean => /^(?:-?127\.\d{1,3}\.\d{1,3}\.\d{1,3}|-?\[?::1\]?|localhost|localhost6|ip6-localhost|\/.*|unix:.*)$/i.test(address.trim());

/** Addresses that no router of the Internet passes on. */
export const isPrivate = (address: string): boolean => /^-?\[?(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][0-9a-f]{2}:|fe80:)/i.test(address.trim());

