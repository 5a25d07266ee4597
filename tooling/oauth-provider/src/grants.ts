import { randomBytes } from 'node:crypto';

/**
 * What a provider does with refresh tokens: gives the same for ever; a new one each time, and takes
 * the old one never again; takes the old one for a while; or revokes the whole login when an old
 * one comes, as somebody may have stolen it (RFC 9700 section 4.14.2).
 */
export type Rotation = 'keeps' | 'rotates' | 'grace' | 'revokes';

/** One login of one user, and every token that came of it. */
interface Family {
  readonly user: string;
  readonly clientId: string;
  isRevoked: boolean;
}

interface Kept {
  readonly family: Family;
  /** When it was used, with a rotation that takes each once. */
  spentAt?: number;
}

export interface Given {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
}

/** What the provider remembers of its logins. */
export class Grants {
  readonly #rotation: Rotation;
  readonly #graceTime: number;
  readonly #codes = new Map<string, Family>();
  readonly #refreshTokens = new Map<string, Kept>();
  readonly #accessTokens = new Map<string, { family: Family; expiresAt: number }>();
  familiesRevoked = 0;

  /** @param graceTime milliseconds */
  constructor(rotation: Rotation, graceTime: number) {
    this.#rotation = rotation;
    this.#graceTime = graceTime;
  }

  code(user: string, clientId: string): string {
    const code = secret('code');
    this.#codes.set(code, { user, clientId, isRevoked: false });
    return code;
  }

  exchange(code: string, clientId: string, lifetime: number): Given | undefined {
    const family = this.#codes.get(code);
    if (family?.clientId !== clientId) return undefined;
    this.#codes.delete(code);
    return { ...this.#access(family, lifetime), refreshToken: this.#refreshToken(family) };
  }

  refresh(refreshToken: string, clientId: string, lifetime: number): Given | undefined {
    const kept = this.#refreshTokens.get(refreshToken);
    if (kept === undefined || kept.family.clientId !== clientId) return undefined;
    const { family, spentAt } = kept;
    if (family.isRevoked) return undefined;
    const mayComeAgain =
      this.#rotation === 'grace' && Date.now() - (spentAt ?? 0) < this.#graceTime;
    if (spentAt !== undefined && !mayComeAgain) {
      if (this.#rotation === 'revokes') this.#revoke(family);
      return undefined;
    }
    const access = this.#access(family, lifetime);
    if (this.#rotation === 'keeps') return { ...access, refreshToken: undefined };
    kept.spentAt ??= Date.now();
    return { ...access, refreshToken: this.#refreshToken(family) };
  }

  revoke(token: string): void {
    const kept = this.#refreshTokens.get(token) ?? this.#accessTokens.get(token);
    if (kept !== undefined) kept.family.isRevoked = true;
  }

  /** Whose access token it is, if it is good. */
  userOf(accessToken: string): string | undefined {
    const kept = this.#accessTokens.get(accessToken);
    if (kept === undefined || kept.family.isRevoked || kept.expiresAt <= Date.now())
      return undefined;
    return kept.family.user;
  }

  /** Whether a refresh token would be taken. */
  isLive(refreshToken: string): boolean {
    const kept = this.#refreshTokens.get(refreshToken);
    return kept !== undefined && kept.spentAt === undefined && !kept.family.isRevoked;
  }

  expireAccessTokens(): void {
    this.#accessTokens.clear();
  }

  #revoke(family: Family): void {
    family.isRevoked = true;
    this.familiesRevoked += 1;
  }

  #access(family: Family, lifetime: number): { accessToken: string } {
    const accessToken = secret('access');
    this.#accessTokens.set(accessToken, { family, expiresAt: Date.now() + lifetime * 1_000 });
    return { accessToken };
  }

  #refreshToken(family: Family): string {
    const refreshToken = secret('refresh');
    this.#refreshTokens.set(refreshToken, { family });
    return refreshToken;
  }
}

function secret(kind: string): string {
  return `${kind}.${randomBytes(24).toString('base64url')}`;
}
