/** Asks who the user is, and whether the client may act for them. */
export function consentPage(clientId: string): string {
  const client = clientId.replace(/[^\w .-]/g, '');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Allow ${client}?</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 4rem auto; padding: 0 1rem }
  input, button { font: inherit; padding: .4rem .8rem }
</style>
<h1>Allow ${client}?</h1>
<p>This stands in for a provider, and believes whatever name you give.</p>
<form method="post">
  <label>Your name <input name="user" value="ada" required autofocus></label>
  <button>Allow</button>
</form>
</html>`;
}
