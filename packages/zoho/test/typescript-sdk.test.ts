import { describe } from 'vitest';
import { testScenarios } from './sdk-scenarios.ts';

describe('@zohocrm/typescript-sdk-8.0', () => testScenarios('@zohocrm/typescript-sdk-8.0'));
