import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { OAuthToken } from '@tokenkeep/core';

/** As somebody writes one who has read nothing but the names of the methods. */
export default class NaiveStore {
  static versions = false;
  static durable = true;
  static shared = false;
  static iterable = false;
  constructor(path) {
    this.path = path;
  }

  load() {
    return existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')) : {};
  }

  write(tokens) {
    writeFileSync(this.path, JSON.stringify(tokens));
  }

  async findToken(token) {
    return this.load()[token.userSignature.name] ?? null;
  }

  async findTokenById(id) {
    return Object.values(this.load()).find((token) => token.id === id) ?? null;
  }

  async saveToken(token) {
    const tokens = this.load();
    const saved = token.with({ id: String(Object.keys(tokens).length + 1) });
    this.write({ ...tokens, [token.userSignature.name]: saved });
    return saved;
  }

  async deleteToken(id) {
    const tokens = Object.entries(this.load()).filter(([, token]) => token.id !== id);
    this.write(Object.fromEntries(tokens));
  }

  async getTokens() {
    return Object.values(this.load()).map((token) => new OAuthToken(token));
  }

  async deleteTokens() {
    this.write({});
  }

  async close() {}
  async [Symbol.asyncDispose]() {}
}
