export {
  AwsSecretsManagerTokenStore,
  type AwsSecretsManagerTokenStoreOptions,
  type SecretsManagerClientLike,
} from './aws-secrets-manager-token-store.ts';
