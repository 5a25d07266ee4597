import { randomBytes } from 'node:crypto';
import { TokenKeeperError } from '@tokenkeep/keeper';
import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { csrf } from 'hono/csrf';
import { type Account, type Accounts, isAccount } from './accounts.ts';
import { accountsPage, loginPage } from './page.ts';

/**
 * The app: its users say who they are, connect accounts, call an API with them, and disconnect.
 *
 * A name is all that it asks for, and it believes it: how users log in to an app of yours is up to you.
 */
export function appFor(accounts: Accounts, port: number): Hono {
  const app = new Hono();
  const origin = `http://127.0.0.1:${port}`;
  app.use(csrf());

  const userOf = (context: Context): string | undefined => getCookie(context, 'user');

  const show = async (context: Context, user: string, message?: string): Promise<Response> =>
    await context.html(accountsPage({ user, message, port, connections: await accounts.of(user) }));

  /** Does something with one of a user's accounts, and shows what came of it. */
  const onAccount =
    (work: (user: string, account: Account) => Promise<string>) =>
    async (context: Context): Promise<Response> => {
      const user = userOf(context);
      const account = context.req.param('account');
      if (user === undefined || !isAccount(account)) return context.redirect('/', 303);
      try {
        return await show(context, user, await work(user, account));
      } catch (error) {
        if (error instanceof TokenKeeperError) return await show(context, user, error.message);
        throw error;
      }
    };

  app.get('/', (context) => {
    const user = userOf(context);
    return user === undefined ? context.html(loginPage()) : show(context, user);
  });

  app.post('/login', async (context) => {
    const { user } = await context.req.parseBody();
    setCookie(context, 'user', String(user), { httpOnly: true, sameSite: 'Lax' });
    return context.redirect('/', 303);
  });

  app.post('/connect/:account', (context) => {
    const account = context.req.param('account');
    if (!isAccount(account)) return context.notFound();
    // Only who has begun a login may end it (RFC 6749 section 10.12).
    const state = `${account}.${randomBytes(16).toString('base64url')}`;
    setCookie(context, 'state', state, { httpOnly: true, sameSite: 'Lax' });
    return context.redirect(accounts.loginUrl(account, `${origin}/callback`, state), 303);
  });

  app.get('/callback', async (context) => {
    const user = userOf(context);
    const { state, code } = context.req.query();
    const [account] = state?.split('.') ?? [];
    const isOurs = state !== undefined && state === getCookie(context, 'state');
    if (user === undefined || code === undefined || !isOurs || !isAccount(account)) {
      return context.text('This is no login that was begun here.', 400);
    }
    deleteCookie(context, 'state');
    await accounts.connect(user, account, code, `${origin}/callback`);
    return context.redirect('/', 303);
  });

  app.post(
    '/call/:account',
    onAccount((user, account) => accounts.call(user, account)),
  );

  app.post(
    '/disconnect/:account',
    onAccount(async (user, account) => {
      await accounts.disconnect(user, account);
      return `${account} is disconnected.`;
    }),
  );

  return app;
}
