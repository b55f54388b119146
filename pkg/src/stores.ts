import { ignore } from './abort.js';
import type { Store } from './settings.js';

const forgetful = /* @__PURE__ */ new WeakSet<Store>();

/** The default and the safest: a reload signs out, unless the refresh token is a cookie. */
export function memory(): Store {
  const texts = new Map<string, string>();
  const store: Store = {
    get: (key) => texts.get(key),
    set: (key, text) => void texts.set(key, text),
    remove: (key) => void texts.delete(key),
  };
  forgetful.add(store);
  return store;
}

/** Whether nothing of a store outlives the page. */
export function isForgetful(store: Store): boolean {
  return forgetful.has(store);
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

/** How long a write is waited for before the next one is made, in milliseconds. */
const STUCK = 5_000;

/** One text of a store. */
export interface Slot {
  /** What the store has; or the text that it could not be given, as long as nobody else has given it another. */
  read(): ReturnType<Store['get']>;
  /**
   * In the order of the calls: a late write cannot undo a newer one. `false`, and nothing is written, when there is
   * something else than a text that begins with `expected`. Empty: nothing may be there; `undefined`: anything.
   */
  write(text: string, expected?: string): Promise<boolean>;
  remove(): Promise<void>;
  /** Whether the store has what it was given last; `undefined` while that is under way. */
  isSaved(): boolean | undefined;
  /** Whether the last look at the store failed. */
  isUnreadable(): boolean;
}

/** `onUnreadable` hears of the first failed look in a row: the engine takes it for an empty store. */
export function slot(store: Store, key: string, onUnreadable: () => void): Slot {
  let unreadable = false;
  /** Not stored yet, or it could not be: kept so that a restarted engine finds it. */
  let unsaved: string | undefined;
  /** The last text that could not be stored: it stands for what the store should have. */
  let failed: string | undefined;
  /** The last text that was put there from here. */
  let mine: string | undefined;
  /** What the store itself had when last looked at, or was given. */
  let seen: string | undefined;
  let writing: Promise<void> | undefined;
  let puts = 0;
  let saved: boolean | undefined = true;

  function judge(text: string | null | undefined): string | undefined {
    const own = text ?? undefined;
    unreadable = false;
    // What another tab has put there is newer than what could not be put there from here.
    if (own !== seen && own !== mine) {
      if (!writing) unsaved = failed = undefined;
      seen = own;
      return own;
    }
    return unsaved ?? own;
  }

  /** Whether the store holds what `expected` says. */
  function holds(expected: string, own: string | null | undefined, isSure = true): boolean {
    // A write that was given up has landed after all: it is no other's.
    if (isSure && own != null && own === mine) return true;
    const base = own == null || own === seen ? (failed ?? own) : own;
    return expected ? !!base?.startsWith(expected) : base == null;
  }

  /** In one turn where the store answers at once. */
  function compare(expected: string): boolean | PromiseLike<boolean> {
    try {
      const found = store.get(key);
      return typeof found === 'object' && found
        ? Promise.resolve(found).then((own) => holds(expected, own), unseen)
        : holds(expected, found);
    } catch {
      return unseen();
    }

    // What cannot be read is what it was.
    function unseen(): boolean {
      return holds(expected, seen, false);
    }
  }

  async function put(text: string, expected: string | undefined): Promise<boolean> {
    try {
      let same = expected === undefined || compare(expected);
      if (typeof same === 'object') same = await same;
      if (!same) {
        if (unsaved === text) unsaved = failed;
        saved ??= unsaved === undefined;
        return false;
      }
      const number = ++puts;
      const set = store.set(key, text);
      if (set) await set;
      if (number < puts && mine !== undefined) {
        // It has landed after a newer one.
        await store.set(key, mine);
        return true;
      }
      seen = mine = text;
      failed = undefined;
      if (unsaved === text) {
        unsaved = undefined;
        saved = true;
      }
      return true;
    } catch (error) {
      failed = text;
      if (unsaved === text) saved = false;
      throw error;
    }
  }

  return {
    read() {
      try {
        const found = store.get(key);
        return typeof found === 'object' && found ? Promise.resolve(found).then(judge, refused) : judge(found);
      } catch (error) {
        return refused(error);
      }
    },
    write(text, expected) {
      unsaved = text;
      saved = undefined;
      // At once if possible: the page may be going away.
      // One that never ends does not keep the next from its turn.
      const turn = writing && Promise.race([writing, new Promise((resolve) => setTimeout(resolve, STUCK))]);
      const written = turn ? turn.then(() => put(text, expected)) : put(text, expected);
      const ended = written.then(ignore, ignore).then(() => {
        if (writing === ended) writing = undefined;
      });
      writing = ended;
      return written;
    },
    async remove() {
      await store.remove(key);
      seen = undefined;
    },
    isSaved: () => saved,
    isUnreadable: () => unreadable,
  };

  function refused(error: unknown): string {
    if (unsaved !== undefined) return unsaved;
    if (!unreadable) onUnreadable();
    unreadable = true;
    throw error;
  }
}
