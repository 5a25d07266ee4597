import { describe } from 'vitest';
import { testScenarios } from './sdk-scenarios.ts';

describe('@zohocrm/nodejs-sdk-8.0', () => testScenarios('@zohocrm/nodejs-sdk-8.0'));
