export {
  importFromZoho,
  type ZohoImportReport,
  type ZohoImportSource,
} from './import-from-zoho.ts';
export { tokenStoreFromZoho } from './token-store-from-zoho.ts';
export { unsavedToken } from './zoho-save-error.ts';
export type {
  ZohoOAuthToken,
  ZohoSdk,
  ZohoTokenStore,
  ZohoUserSignature,
  ZohoVendorStore,
} from './zoho-sdk.ts';
export { type ZohoTokenStoreOptions, zohoTokenStore } from './zoho-token-store.ts';
