declare module 'fs-native-extensions' {
  /** Locks a file that is open for writing; the system frees it when the descriptor is closed. */
  export function tryLock(descriptor: number): boolean;
}
