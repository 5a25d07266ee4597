import { html } from 'hono/html';
import type { Connection } from './accounts.ts';

type Html = ReturnType<typeof html>;

export interface Shown {
  readonly user: string;
  readonly connections: readonly Connection[];
  readonly message: string | undefined;
  /** Which of the processes has made the page. */
  readonly port: number;
}

export function loginPage(): Html {
  return layout(html`
    <h1>Who are you?</h1>
    <form method="post" action="/login">
      <label>Name <input name="user" value="ada" required autofocus></label> <button>Go on</button>
    </form>`);
}

export function accountsPage({ user, connections, message, port }: Shown): Html {
  return layout(html`
    <h1>The accounts of ${user}</h1>
    ${message === undefined ? '' : html`<p role="status">${message}</p>`}
    <table>
      <thead><tr><th>account</th><th>state</th><th></th></tr></thead>
      <tbody>${connections.map(row)}</tbody>
    </table>
    <p>This page was made by the process on port ${port}.
      The same is on the other two: they share one SQLite file.</p>`);
}

function row({ account, state }: Connection): Html {
  const button = (path: string, text: string): Html =>
    html`<form method="post" action="/${path}/${account}"><button>${text}</button></form>`;
  return html`
    <tr id="${account}">
      <td>${account}</td>
      <td>${state}</td>
      <td>${
        state === 'not connected'
          ? button('connect', 'Connect')
          : html`${button('call', 'Call the API')}
              ${state === 'login needed' ? button('connect', 'Log in again') : ''}
              ${button('disconnect', 'Disconnect')}`
      }</td>
    </tr>`;
}

function layout(body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Accounts</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  input, button { font: inherit; padding: .3rem .8rem }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .5rem; border-bottom: 1px solid #ccc }
  td form { display: inline }
  [role=status] { background: #eef6ee; padding: .5rem .8rem; overflow-wrap: anywhere }
</style>
${body}
</html>`;
}
