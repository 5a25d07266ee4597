/** Pairs of texts that one hash of 32 bits, or the first 32 bits of one, takes for the same. */
export const COLLISIONS: readonly (readonly [hash: string, one: string, other: string])[] = [
  ['FNV-1a', 'ravu5yuk', 'rp780h4q'],
  ['FNV-1', 'v6fb7dos', 'grn3aolm'],
  ['djb2', 'qs6bns39', '6bsy46qj'],
  ['djb2-xor', 'vd28f6br', '4lkvjiwi'],
  ['sdbm', 'j7uk249y', 'y0hp2hd4'],
  ['31-times', 'o6s9d2xn', 'aemd3w2d'],
  ['CRC-32', 'uwsjl0fk', 'hlgy4evs'],
  ['Adler-32', 'fy4lzfoj', 'ok9spdqm'],
  ['MurmurHash3', 'oyh4e7vb', 'enwieicb'],
  ['MD5', '490ff24a', 'lrbvemko'],
  ['SHA-1', 'ykgzxsbk', 'ge3jcv3a'],
  ['SHA-256', 'd52hqqjf', 'og3rzjqv'],
];
