import MyStore from './my-store.js';

/** A store with a fault that the kit has to find: it deletes whatever version it was asked for. */
export default class ForgetfulStore extends MyStore {
  deleteToken(id, options) {
    const isVersion = typeof options?.ifVersion === 'number';
    return super.deleteToken(id, isVersion ? undefined : options);
  }
}
