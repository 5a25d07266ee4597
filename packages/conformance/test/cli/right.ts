import { ListTokenStore } from '@tokenkeep/list';

export default class RightStore extends ListTokenStore {
  static versions = true;
  static durable = false;
  static shared = false;
  static iterable = true;

  // Without a parameter the records are in the object.
  // biome-ignore lint/complexity/noUselessConstructor: the one of the list store has a parameter
  constructor() {
    super();
  }
}
