import type { OAuthToken } from '@tokenkeep/core';

const columns = ['id', 'user', 'client', 'refresh token', 'access token', 'good until', 'version'];

/** The tokens as a table for people. Of secrets it tells that they are there, not what they are. */
export function tokenTable(tokens: readonly OAuthToken[]): string {
  const rows = [columns, ...tokens.map(row)];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines.join('\n');
}

function row(token: OAuthToken): string[] {
  // JSON is one of the ways out on which secrets are redacted.
  const { refreshToken = '', accessToken = '' } = token.toJSON();
  return [
    `${token.id?.slice(0, 8)}…`,
    token.userSignature?.name ?? '',
    token.clientId ?? '',
    String(refreshToken),
    String(accessToken),
    token.expiresAt === undefined ? '' : new Date(token.expiresAt).toLocaleTimeString('en-GB'),
    String(token.version ?? ''),
  ];
}
