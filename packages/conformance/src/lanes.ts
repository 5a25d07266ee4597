import type { TokenInit } from '@tokenkeep/core';
import type { TokenStoreDefinition } from './definition.ts';
import type { PlainRecord } from './expectations.ts';
import { onlyKept } from './kept-fields.ts';

/** How long the filler of a saved record is: long enough to be torn by a write that is not whole. */
const FILLER = 2_000;
/** That of one lane is too long for what writes small values whole. */
const LONG_FILLER = 50_000;
/** The lane whose filler is long. */
const LONG_LANE = 2;

/** The user whose record a lane saves again and again. */
export function laneUser(lane: number): string {
  return `lane-${lane}`;
}

/** What a lane saves under a tag: every field says the tag, so that a mixture shows. */
export function savedInLane(
  definition: TokenStoreDefinition,
  lane: number,
  tag: string,
): TokenInit {
  const length = lane === LONG_LANE ? LONG_FILLER : FILLER;
  const init = {
    userSignature: { name: laneUser(lane) },
    clientId: 'client',
    refreshToken: `refresh-${lane}-${tag}`,
    accessToken: `access-${lane}-${tag}`,
    scope: tag,
    extra: { tag, filler: tag.repeat(Math.ceil(length / tag.length)) },
  };
  return onlyKept(init, definition);
}

/** The tag of what was saved in a lane. */
export function tagIn(record: PlainRecord): string {
  return String(record['accessToken']).replace(/^access-\d+-/, '');
}

/** What is saved first in a lane that absorbs: a token whose user is not known yet. */
export function bareInLane(lane: number, tag: string): TokenInit {
  return { refreshToken: `bare-${lane}-${tag}` };
}

/** What is saved then, which absorbs it into the record of the user. */
export function absorbingInLane(lane: number, tag: string): TokenInit {
  return { userSignature: { name: laneUser(lane) }, ...bareInLane(lane, tag) };
}
