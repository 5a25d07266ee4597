import { driverCodeOf, TokenStoreError } from '../errors.ts';

/** The oldest Node that the drivers work on; see `engines` of every package. */
const OLDEST_NODE = { major: 22, minor: 18 };

/**
 * Loads a driver, and says what to do where that fails: it is missing, was built for another
 * platform, or was put into a bundle.
 *
 * @param name of the package, for the message
 * @throws TokenStoreError `DRIVER_UNAVAILABLE`
 */
export async function loadDriver<Driver>(
  name: string,
  load: () => Promise<Driver>,
  nodeVersion: string = process.versions.node,
): Promise<Driver> {
  // Before it is loaded: a native module that needs a later Node ends the process.
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
    throw new TokenStoreError(
      'DRIVER_UNAVAILABLE',
      `The driver ${JSON.stringify(name)} needs Node ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or later, and this is ${nodeVersion}.`,
    );
  }
  try {
    return await load();
  } catch (error) {
    if (error instanceof TokenStoreError) throw error;
    const driverCode = driverCodeOf(error);
    throw new TokenStoreError(
      'DRIVER_UNAVAILABLE',
      `The driver ${JSON.stringify(name)} could not be loaded${driverCode === undefined ? '' : ` (${driverCode})`}. Install it for this platform and version of Node. Where the program is bundled, leave it out of the bundle: external in esbuild, serverExternalPackages in Next.js.`,
      { driverCode },
    );
  }
}
