/** A fenced block of Markdown. */
export interface CodeBlock {
  readonly language: string;
  /** What stands behind the language: `no-run`, or the name of the file that the block is. */
  readonly info: string;
  /** The number of its first line in the Markdown. */
  readonly line: number;
  readonly text: string;
}

export function codeBlocksIn(markdown: string): CodeBlock[] {
  return Array.from(
    markdown.matchAll(/^```([a-z]+) ?(.*)\n([\s\S]*?)^```$/gm),
    ({ 1: language = '', 2: info = '', 3: text = '', index }) => ({
      language,
      info,
      line: markdown.slice(0, index).split('\n').length + 1,
      text,
    }),
  );
}
