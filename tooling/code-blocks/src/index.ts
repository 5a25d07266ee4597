export { type CodeBlock, codeBlocksIn } from './code-block.ts';
export { Project } from './project.ts';
