export type { ApiUser, GrantRequest } from './accounts.ts';
export type { Counts, ZohoServer, ZohoServerOptions } from './zoho-server.ts';
export { startZohoServer } from './zoho-server.ts';
