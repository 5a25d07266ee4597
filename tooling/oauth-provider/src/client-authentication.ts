import type { webcrypto } from 'node:crypto';

/** Secrets by client id; the public key of a client that signs, `null` for a client without a secret. */
export type Clients = Readonly<Record<string, string | webcrypto.JsonWebKey | null>>;

/** Which client it is, if it has shown that it is (RFC 6749 section 2.3, RFC 7523 section 2.2). */
export async function clientOf(
  clients: Clients,
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const [clientId, secret] = basic(authorization) ?? [
    form.get('client_id') ?? subjectOf(form.get('client_assertion')) ?? '',
    form.get('client_secret'),
  ];
  const known = Object.hasOwn(clients, clientId) ? clients[clientId] : undefined;
  if (known === undefined) return undefined;
  if (typeof known === 'object' && known !== null)
    return (await isSigned(form.get('client_assertion') ?? '', known)) ? clientId : undefined;
  return known === (secret ?? null) ? clientId : undefined;
}

function basic(authorization = ''): [string, string] | undefined {
  const [scheme, encoded = ''] = authorization.split(' ');
  if (!/^basic$/i.test(scheme ?? '')) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return [decode(text.slice(0, colon)), decode(text.slice(colon + 1))];
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function subjectOf(assertion: string | undefined): string | undefined {
  const [, payload] = assertion?.split('.') ?? [];
  if (payload === undefined) return undefined;
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: string }).sub;
}

/** Whether the owner of an ES256 key has signed. */
async function isSigned(assertion: string, key: webcrypto.JsonWebKey): Promise<boolean> {
  const [header, payload, signature = ''] = assertion.split('.');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('jwk', key, algorithm, false, ['verify']);
  return await crypto.subtle.verify(
    algorithm,
    imported,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${header}.${payload}`),
  );
}
