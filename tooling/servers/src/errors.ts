/** What a {@link TestServerError} is about. */
export type TestServerErrorCode =
  /** None of the ways to get the server works on this machine; the message names each. */
  | 'SERVER_UNAVAILABLE'
  /** The server was started and didn't become ready; the message ends with its log. */
  | 'SERVER_DID_NOT_START'
  /** It is somebody else's server (a URL in the environment): it can't be killed or restarted. */
  | 'SERVER_NOT_OURS'
  /** It was stopped, and its folder is gone. */
  | 'SERVER_STOPPED';

/** A server for tests can't be had, or can't do what was asked. */
export class TestServerError extends Error {
  override readonly name = 'TestServerError';
  readonly code: TestServerErrorCode;

  constructor(code: TestServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
