import { OAuthToken } from '@tokenkeep/core';
import { expect, it } from 'vitest';
import type { DynamodbClientLike } from '../src/index.ts';
import { save, Tables, user } from './tables.ts';

const tables = Tables.forThisFile();

it('a record that is absorbed between the claim and the record is not missing: who has it now is read (A4)', async () => {
  const table = await tables.create();
  await using writer = tables.open(table);
  const ada = user('ada');
  const refreshToken = 'both have it';
  await save(writer, { ...ada, accessToken: 'hers' });
  await save(writer, { refreshToken });

  const client = tables.client();
  let answers = Number.NEGATIVE_INFINITY;
  const slow: DynamodbClientLike = {
    async send(command, options) {
      const answer = await client.send(command, options);
      answers += 1;
      if (answers === 1) await save(writer, { ...ada, refreshToken });
      return answer;
    },
  };
  await using reader = tables.open(table, { client: slow });
  await reader.ready();
  answers = 0;
  const found = await reader.findToken(new OAuthToken({ refreshToken }));
  expect(found?.userSignature).toEqual(ada.userSignature);
  client.destroy();
});
