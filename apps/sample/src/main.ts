import { setTimeout as delay } from 'node:timers/promises';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { zohoTokenStore } from '@tokenkeep/zoho';
import * as sdk from '@zohocrm/typescript-sdk-8.0';
import { connect, type Service } from './service.ts';
import { openStore } from './stores.ts';
import { tokenTable } from './token-table.ts';

/** The SDK refreshes an access token that is good for less than this, in milliseconds. */
const sdkRefreshesBefore = 5000;

/** What is shown of an address: everything but a password. */
function withoutPassword(address: string): string {
  return address.replace(/(\/\/[^/]*?):[^/]*@/, '$1:…@');
}

async function run(store: TokenStore, service: Service): Promise<void> {
  const known = await knownToken(store, service);
  const builder = new sdk.OAuthBuilder();
  if (known?.id) {
    console.log(
      `The store has a token of ${known.userSignature?.name ?? 'a user'}: no login needed.`,
    );
    builder.id(known.id);
  } else {
    console.log('The store has no token yet: logging in, and exchanging the grant token.');
    builder.clientId(service.clientId).clientSecret(service.clientSecret);
    builder.grantToken(service.logIn());
  }

  // From here on it is the vendor's SDK that finds, refreshes and saves the token, in our store.
  const initializer = await new sdk.InitializeBuilder();
  await initializer
    .environment(service.environment)
    .token(builder.build())
    .store(zohoTokenStore(store, sdk))
    .initialize();
  console.log(`Calling the API: the modules are ${await modules()}.`);

  const token = await knownToken(store, service);
  const left = (token?.expiresAt ?? 0) - Date.now();
  if (left > 0 && left < 60_000) {
    console.log('The access token is nearly over: waiting until the SDK has to refresh it.');
    await delay(Math.max(0, left - sdkRefreshesBefore + 1));
    console.log(`Calling the API: the modules are ${await modules()}.`);
  }

  console.log(`\n${tokenTable(await store.getTokens())}\n`);
  const report = service.report();
  if (report) console.log(`What the stand-in has seen of this run: ${report}.`);
}

/** The token of an earlier start: the one that the grant token was exchanged for, or the client's. */
async function knownToken(store: TokenStore, service: Service): Promise<OAuthToken | null> {
  const { clientId, grantToken } = service;
  if (grantToken) return await store.findToken(new OAuthToken({ clientId, grantToken }));
  const tokens = await store.getTokens();
  return tokens.find((token) => token.clientId === clientId) ?? null;
}

/** The names of the first modules of the CRM: one call of the API. */
async function modules(): Promise<string> {
  const response = await new sdk.Modules.ModulesOperations().getModules();
  const answer = response.getObject();
  if (answer instanceof sdk.Modules.ResponseWrapper) {
    const names = answer.getModules().map((module) => module.getAPIName());
    return names.slice(0, 5).join(', ');
  }
  throw new Error(`The API answered with status ${response.getStatusCode()}.`);
}

// Not `await using`, which Node 22 does not know yet.
const opened: { close(): Promise<void> }[] = [];
try {
  const address = process.env['STORE'] ?? 'sqlite:./tokens.db';
  const store = await openStore(address);
  opened.push(store);
  const service = await connect(process.env);
  opened.push(service);
  console.log(`Talking to ${service.name}.`);
  console.log(`Keeping tokens in ${withoutPassword(address)}.\n`);
  await run(store, service);
} catch (error) {
  // The SDK's exceptions tell more by toString() than by their message.
  console.error(String(error));
  process.exitCode = 1;
} finally {
  for (const each of opened) await each.close();
}
