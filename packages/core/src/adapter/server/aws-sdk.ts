import { requireTls } from './connection.ts';

/**
 * The name of an error of the SDK, such as `ResourceNotFoundException`. What says that region or
 * credentials are missing has not always one: it is `CredentialsProviderError` here.
 */
export function awsErrorName(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (/^(?:Region is missing|Could not load credentials)/.test(message)) {
    return 'CredentialsProviderError';
  }
  return /^\w{1,64}$/.test(name) ? name : undefined;
}

/** How often a client has sent the request that failed. */
export function awsAttempts(error: unknown): number {
  const { $metadata } = Object(error) as { $metadata?: { attempts?: unknown } };
  return Number($metadata?.attempts ?? 1);
}

interface Address {
  readonly protocol: string;
  readonly hostname: string;
}

/**
 * Refuses an endpoint without encryption on another host than this machine.
 *
 * @param tls the option: `false` allows it
 * @throws TokenStoreError `TLS_REQUIRED`
 */
export function requireAwsTls(endpoint: unknown, tls: unknown): void {
  if (typeof endpoint === 'string' && URL.canParse(endpoint)) requireTlsAt(new URL(endpoint), tls);
}

/** The same as a middleware of the SDK: an endpoint can come from the environment and from the profile, too. */
export function awsTlsMiddleware(
  tls: unknown,
): <Args extends { request: unknown }, Output>(
  next: (args: Args) => Output,
) => (args: Args) => Output {
  return (next) => (args) => {
    requireTlsAt(args.request as Address, tls);
    return next(args);
  };
}

function requireTlsAt({ protocol, hostname }: Address, tls: unknown): void {
  if (protocol === 'http:') requireTls(hostname, tls);
}
