import { ListTokenStore } from '@tokenkeep/list';

/** Looks for an id that is not there for ever, without letting anybody else run. */
export default class EndlessStore extends ListTokenStore {
  static versions = true;
  static durable = false;
  static shared = false;
  static iterable = true;

  // Without a parameter the records are in the object.
  // biome-ignore lint/complexity/noUselessConstructor: the one of the list store has a parameter
  constructor() {
    super();
  }

  override async findTokenById(id: string): Promise<never> {
    const found = await super.findTokenById(id);
    while (found === null);
    return found as never;
  }
}
