import MyStore from './my-store.js';

/** A store with a fault that the kit has to find: it says that it deletes, and does not. */
export default class ForgetfulStore extends MyStore {
  async deleteToken() {}
}
