import { OAuthToken } from '@tokenkeep/core';
import { oauth2Refresh, TokenKeeper } from '@tokenkeep/keeper';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const { TOKEN_ENDPOINT: tokenEndpoint, API: api, LOGIN: login } = process.env;
const ada = { userSignature: { name: 'ada' }, clientId: 'client', clientSecret: 'secret' };
const store = new SqliteTokenStore({ path: './tokens.db' });
const keeper = new TokenKeeper({ store, refresh: oauth2Refresh({ tokenEndpoint }) });
if (login) await store.saveToken(OAuthToken.fromTokenResponse(JSON.parse(login), ada));
const call = keeper.fetch({ userName: 'ada', clientId: 'client' });
const answers = await Promise.all(Array.from({ length: 10 }, () => call(api)));
console.log(answers.map(({ status }) => status).join(' '));
await keeper.close();
await store.close();
