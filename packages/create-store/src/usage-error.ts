/** What was asked for can't be done, and why. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}
