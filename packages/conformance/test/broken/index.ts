import type { BrokenStore } from './broken-store.ts';
import { closingFaults } from './closing.ts';
import { combinedFaults } from './combined.ts';
import { concurrencyFaults } from './concurrency.ts';
import { conditionFaults } from './conditions.ts';
import { deletingFaults } from './deleting.ts';
import { durableFaults } from './durable.ts';
import { failingFaults } from './failing.ts';
import { handleAndRaceFaults } from './handles-and-races.ts';
import { holdingUpFaults } from './holding-up.ts';
import { iteratingFaults } from './iterating.ts';
import { manyFaults } from './many.ts';
import { matchingFaults } from './matching.ts';
import { newFieldFaults } from './new-fields.ts';
import { optionAndValueFaults } from './options-and-values.ts';
import { overlookedFaults } from './overlooked.ts';
import { processFaults } from './processes.ts';
import { readingFaults } from './reading.ts';
import { savingFaults } from './saving.ts';
import { timeFaults } from './time.ts';
import { valueFaults } from './values.ts';
import { versionFaults } from './versions.ts';

/** Every store that is broken on purpose. */
export const BROKEN_STORES: readonly BrokenStore[] = [
  ...matchingFaults,
  ...savingFaults,
  ...readingFaults,
  ...deletingFaults,
  ...versionFaults,
  ...concurrencyFaults,
  ...failingFaults,
  ...closingFaults,
  ...durableFaults,
  ...manyFaults,
  ...valueFaults,
  ...timeFaults,
  ...newFieldFaults,
  ...conditionFaults,
  ...iteratingFaults,
  ...combinedFaults,
  ...overlookedFaults,
  ...handleAndRaceFaults,
  ...holdingUpFaults,
  ...optionAndValueFaults,
  ...processFaults,
];
