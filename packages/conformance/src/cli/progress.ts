import type { Progress } from '../check-token-store.ts';

/** How often a line is printed where there is no terminal: milliseconds. */
const EVERY = 5_000;

/** Says how far the run has come: on a terminal on one line, and else now and then on a line of its own. */
export function progressLine(stream: NodeJS.WriteStream): {
  show: (progress: Progress) => void;
  clear: () => void;
} {
  let failed = 0;
  let last = performance.now();
  const clear = (): void => {
    if (stream.isTTY) stream.write('\r\u001b[K');
  };
  const show = ({ check, ended, total, result }: Progress): void => {
    if (result?.status === 'failed') failed += 1;
    const broken = failed === 0 ? '' : `, ${failed} broken`;
    const line = `${ended} of ${total}${broken}: ${check.clause} ${check.title}`;
    if (stream.isTTY) {
      stream.write(`\r\u001b[K${line.slice(0, Math.max(20, stream.columns - 1))}`);
    } else if (performance.now() - last > EVERY) {
      last = performance.now();
      stream.write(`${line}\n`);
    }
  };
  return { show, clear };
}
