import { suite } from './harness/suite.mjs';

suite('firefox');
