/** How a provider treats a refresh token that comes a second time. */
export type Rotation = 'keeps' | 'rotates' | 'grace' | 'revokes';

export const ROTATIONS: readonly Rotation[] = ['keeps', 'rotates', 'grace', 'revokes'];

/** What the provider remembers: plain, so that a state of the model can be copied and compared. */
export interface ProviderState {
  /** The refresh tokens that it takes. */
  readonly live: readonly string[];
  /** Those that it took once: with `grace` it takes them again, until a successor is used. */
  readonly spent: readonly string[];
  readonly sends: Readonly<Record<string, number>>;
  /** Whether somebody sent a spent refresh token to a provider that then revokes the family. */
  readonly revoked: boolean;
  readonly issued: number;
}

export interface Issued {
  readonly accessToken: string;
  readonly refreshToken?: string;
}

export const FIRST_STATE: ProviderState = {
  live: ['R0'],
  spent: [],
  sends: {},
  revoked: false,
  issued: 0,
};

/** The provider after it was sent a refresh token, and what it answers; `null` is `invalid_grant`. */
export function afterSending(
  rotation: Rotation,
  state: ProviderState,
  refreshToken: string,
): [ProviderState, Issued | null] {
  const sends = { ...state.sends, [refreshToken]: (state.sends[refreshToken] ?? 0) + 1 };
  const isLive = state.live.includes(refreshToken);
  const isSpent = state.spent.includes(refreshToken);
  if (!isLive && !(rotation === 'grace' && isSpent)) {
    const isReuse = rotation === 'revokes' && isSpent;
    // The login of the model's third writer is another family.
    const live = isReuse ? state.live.filter((token) => token.startsWith('login')) : state.live;
    return [{ ...state, sends, live, revoked: state.revoked || isReuse }, null];
  }
  const issued = state.issued + 1;
  const accessToken = `A${issued}`;
  if (rotation === 'keeps') return [{ ...state, sends, issued }, { accessToken }];
  const successor = refreshToken.startsWith('login') ? `login${issued}` : `R${issued}`;
  return [
    {
      ...state,
      sends,
      issued,
      live: [...state.live.filter((token) => token !== refreshToken), successor],
      // Its successor was used: what came before is over.
      spent: rotation === 'grace' && isLive ? [refreshToken] : [...state.spent, refreshToken],
    },
    { accessToken, refreshToken: successor },
  ];
}
