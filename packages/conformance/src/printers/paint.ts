/** Gives a text a look, or leaves it as it is. */
export type Paint = (look: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string) => string;

/** For everything that is not a terminal. */
export const plain: Paint = (_look, text) => text;
