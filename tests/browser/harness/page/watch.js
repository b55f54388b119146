// Loaded before anything else: counts live timers, notes every token that an answer brings, and keeps what the page
// says, so that the end of a test can look for tokens in it.

window.watch = (() => {
  const timers = new Set();
  const tokens = new Set();
  const said = [];
  const troubles = [];
  const { setTimeout, clearTimeout, setInterval, clearInterval } = window;

  window.setTimeout = (handler, delay, ...args) => {
    const id = setTimeout(() => {
      timers.delete(id);
      if (typeof handler === 'function') handler(...args);
    }, delay);
    timers.add(id);
    return id;
  };
  window.setInterval = (...args) => {
    const id = setInterval(...args);
    timers.add(id);
    return id;
  };
  window.clearTimeout = (id) => void (timers.delete(id), clearTimeout(id));
  window.clearInterval = (id) => void (timers.delete(id), clearInterval(id));

  // Only what is read is watched; the requests themselves stay the browser's own.
  for (const method of ['json', 'text']) {
    const native = Response.prototype[method];
    Response.prototype[method] = function () {
      const body = native.call(this);
      body.then((value) => note(method === 'text' ? parsed(value) : value), () => {});
      return body;
    };
  }

  const texts = new WeakMap();
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = function () {
    const chunk = read.call(this);
    chunk.then(({ done, value }) => {
      if (!texts.has(this)) texts.set(this, { decoder: new TextDecoder(), text: '' });
      const seen = texts.get(this);
      if (done) note(parsed(seen.text));
      else if (value instanceof Uint8Array) seen.text += seen.decoder.decode(value, { stream: true });
    }, () => {});
    return chunk;
  };

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  function note(answer) {
    for (const name of ['access_token', 'refresh_token']) {
      if (typeof answer?.[name] === 'string') tokens.add(answer[name]);
    }
  }

  /** Everything an error shows, whether enumerable or not. */
  function spell(value, depth = 0) {
    if (typeof value !== 'object' || value === null || depth > 4) return String(value);
    const members = Reflect.ownKeys(value).map((key) => `${String(key)}: ${spell(value[key], depth + 1)}`);
    return `${value instanceof Error ? String(value) : ''} { ${members.join(', ')} }`;
  }

  addEventListener('error', ({ message }) => troubles.push(`uncaught: ${message}`));
  addEventListener('unhandledrejection', ({ reason }) => troubles.push(`unhandled rejection: ${reason}`));
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    troubles.push(`policy: ${violatedDirective} ${blockedURI}`),
  );

  return {
    note,
    say: (value) => void said.push(spell(value)),
    timers: () => timers.size,
    sleep: (delay) => new Promise((resolve) => setTimeout(resolve, delay)),
    harvest: () => ({
      tokens: [...tokens],
      troubles,
      said: [...said, ...performance.getEntriesByType('resource').map(({ name }) => name)],
    }),
  };
})();
