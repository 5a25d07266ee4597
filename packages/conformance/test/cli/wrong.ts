import { ListTokenStore } from '@tokenkeep/list';

/** Knows nothing by its id. */
export default class WrongStore extends ListTokenStore {
  static versions = true;
  static durable = false;
  static shared = false;
  static iterable = true;
  readonly timer: NodeJS.Timeout = setInterval(() => {}, 1_000);

  constructor() {
    super();
    // The command has to come to its end all the same.
    this.timer.ref();
  }

  override async findTokenById(): Promise<null> {
    return null;
  }
}
