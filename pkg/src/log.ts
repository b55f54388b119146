import { report } from './events.js';
import { type Config, LEVELS } from './options.js';
import type { LogLevel } from './settings.js';

export type Log = (level: LogLevel, message: string, detail?: unknown) => void;

/** Writes to the console what is not below the level asked for; the app's own function gets everything. */
export function logger(log: Config['log']): Log {
  return (level, message, detail) => {
    if (typeof log === 'function') report(() => log({ level, message, detail }));
    else if (LEVELS.indexOf(level) <= LEVELS.indexOf(log)) {
      // Nothing here is an error of the page's own code.
      console[level === 'error' ? 'warn' : level]('evertoken: ' + message, detail ?? '');
    }
  };
}
