/** Options of a store on a server that TLS and a time limit go with. */
export interface ServerOptions {
  /**
   * `false`: allow a connection to another host than this machine without encryption, or without a
   * check of the certificate. Else such a connection uses TLS, with certificate and host name
   * checked, or is refused.
   */
  tls?: false;
  /**
   * How long one step may take, and how long to wait for a connection: milliseconds. A connection
   * that took longer is given up.
   *
   * @default 10_000
   */
  timeout?: number;
}
