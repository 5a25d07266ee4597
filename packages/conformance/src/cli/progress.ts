import type { Progress } from '../check-token-store.ts';

/** A line on the terminal that says how far the run has come; nothing where there is no terminal. */
export function progressLine(stream: NodeJS.WriteStream): {
  show: (progress: Progress) => void;
  clear: () => void;
} {
  let failed = 0;
  const clear = (): void => {
    if (stream.isTTY) stream.write('\r\u001b[K');
  };
  const show = ({ check, ended, total, result }: Progress): void => {
    if (result?.status === 'failed') failed += 1;
    if (!stream.isTTY) return;
    const broken = failed === 0 ? '' : `, ${failed} broken`;
    const line = `${ended} of ${total}${broken}: ${check.clause} ${check.title}`;
    stream.write(`\r\u001b[K${line.slice(0, Math.max(20, stream.columns - 1))}`);
  };
  return { show, clear };
}
