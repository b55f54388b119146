import type { Store } from './settings.js';

/** The default and the safest: a reload signs out, unless the refresh token is a cookie. */
export function memory(): Store {
  const texts = new Map<string, string>();
  return {
    get: (key) => texts.get(key),
    set: (key, text) => void texts.set(key, text),
    remove: (key) => void texts.delete(key),
  };
}

/** This tab's sessionStorage: survives a reload; a duplicated tab gets a copy. Page script can read it. */
export function session(): Store {
  return web(() => sessionStorage);
}

/** The origin's localStorage: survives the browser's end and is shared by all tabs. Page script can read it. */
export function local(): Store {
  return web(() => localStorage);
}

/** Storage is looked up at each use: where it is forbidden even the look throws. */
function web(storage: () => Storage): Store {
  return {
    get: (key) => storage().getItem(key),
    set: (key, text) => storage().setItem(key, text),
    remove: (key) => storage().removeItem(key),
  };
}

/** One text of a store. A text that could not be stored is kept here, so that a restarted engine finds it. */
export interface Slot {
  read(): ReturnType<Store['get']>;
  /** No text removes it. */
  write(text: string): Promise<void>;
}

export function slot(store: Store, key: string): Slot {
  let unsaved: string | undefined;
  return {
    read: () => unsaved ?? store.get(key),
    async write(text) {
      unsaved = text;
      await (text ? store.set(key, text) : store.remove(key));
      if (unsaved === text) unsaved = undefined;
    },
  };
}
