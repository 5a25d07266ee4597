/** The keys of a token that are tokens themselves. */
export const TOKEN_KEYS = ['grantToken', 'refreshToken', 'accessToken'] as const;

/** Every field of a token by which its record is found: each is a way of its own to it. */
export const KEYS = ['id', 'userSignature', 'grantToken', 'refreshToken', 'accessToken'] as const;
