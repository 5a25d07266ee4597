import type { TokenInit } from '@tokenkeep/core';

/** How long the filler of a saved record is: long enough to be torn by a write that is not whole. */
const FILLER = 2_000;

/** The user whose record a lane saves again and again. */
export function laneUser(lane: number): string {
  return `lane-${lane}`;
}

/** What a lane saves under a tag: every field says the tag, so that a mixture shows. */
export function savedInLane(lane: number, tag: string): TokenInit {
  return {
    userSignature: { name: laneUser(lane) },
    clientId: 'client',
    refreshToken: `refresh-${lane}-${tag}`,
    accessToken: `access-${lane}-${tag}`,
    scope: tag,
    extra: { tag, filler: tag.repeat(Math.ceil(FILLER / tag.length)) },
  };
}
