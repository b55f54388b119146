import { suite } from './harness/suite.mjs';

suite('webkit', { collects: false });
// It collects no garbage when told to. This makes it do so all the time, by which it loses files of its own.
suite('webkit', { env: { JSC_slowPathAllocsBetweenGCs: '10' }, alone: 'of a body of 64 MB no second copy is held' });
