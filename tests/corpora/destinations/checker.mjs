// Says of each row of the table what `new URL` says, and compares it with a matcher. No Node, so that pages can run it.

/** Whether the token may go to `text`: written without a look at the product, to be its judge. */
export function verdict(text, { page, base = page, options }, isPlainPage) {
  const url = parse(text, base);
  if (!url || !['https:', 'http:'].includes(url.protocol)) return false;
  const isLocal = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isPlainPage && !isLocal) return false;
  const { attachTo = [], exclude = [], sameOrigin = true } = options;
  const near = (list) => list.map((entry) => new URL(entry, page)).filter(({ origin }) => origin === url.origin);
  const listed = near([...attachTo, ...(sameOrigin ? ['/'] : [])]);
  const isEndpoint = url.origin === 'https://api.example' && ['/token', '/revoke'].includes(url.pathname);
  const [written, eager] = [segments(url.pathname), segments(asServersMayRead(url.pathname))];
  const within = ({ pathname }) => {
    const place = segments(pathname);
    const whole = (path, place) => place.every((segment, at) => segment === path[at]);
    return { plainly: whole(written, place), eagerly: whole(eager, segments(asServersMayRead(pathname))) };
  };
  const isIn = listed.map(within).some(({ plainly, eagerly }) => plainly && eagerly);
  const isOut = near(exclude).map(within).some(({ plainly, eagerly }) => plainly || eagerly);
  return isIn && !isOut && !isEndpoint;
}

/**
 * Rows of which table, `new URL` and the matcher do not say the same. `judge(group)` gives a function from a text to
 * whether the token goes there.
 */
export function differences(groups, judge, isPlain = ({ page }) => page.startsWith('http:')) {
  const found = [];
  for (const group of groups) {
    const isOurs = judge(group);
    const rows = [...group.ours.map((text) => [text, true]), ...group.others.map((text) => [text, false])];
    for (const [text, tabled] of rows) {
      const expected = verdict(text, group, isPlain(group));
      // Where the page is another than the table's, only `new URL` knows.
      if (isPlain(group) === group.page.startsWith('http:') && expected !== tabled)
        found.push(`${group.about}: ${JSON.stringify(text)}: the table says ${tabled}, URL ${expected}`);
      if (isOurs(text) !== expected)
        found.push(`${group.about}: ${JSON.stringify(text)}: expected ${expected}`);
    }
  }
  return found;
}

function parse(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Without empty ones at the end, so that `/a` and `/a/` are one place. */
function segments(path) {
  const list = path.split('/').slice(1);
  while (list.at(-1) === '') list.pop();
  return list;
}

/** Escapes undone until none is left, `\` and `//` as `/`, `;x` dropped, dots followed. */
function asServersMayRead(path) {
  let text = path;
  for (let before; before !== text; ) {
    before = text;
    text = text.replace(/%[0-7][\da-f]/gi, (escape) => decodeURIComponent(escape));
  }
  const list = [];
  for (const part of text.split(/[\\/]/)) {
    const name = part.split(';')[0];
    if (name === '..') list.pop();
    else if (name !== '' && name !== '.') list.push(name);
  }
  return `/${list.join('/')}`;
}
