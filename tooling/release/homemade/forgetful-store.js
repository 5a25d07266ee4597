import MyStore from './my-store.js';

/** A store with a fault that the kit has to find: it deletes whatever version it was asked for. */
export default class ForgetfulStore extends MyStore {
  deleteToken(id) {
    return super.deleteToken(id);
  }
}
