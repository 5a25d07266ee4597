export type { Rotation } from './grants.ts';
export {
  type Counts,
  type OAuthProvider,
  type OAuthProviderOptions,
  startOAuthProvider,
  type TokenAnswer,
} from './oauth-provider.ts';
