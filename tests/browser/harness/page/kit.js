// What the tests' functions use in the page: `kit`.

const entry = new URLSearchParams(location.search).get('entry') ?? 'index';
const evertoken = await import(`/evertoken/dist/${entry}.js`);

const managers = [];

window.kit = {
  ...evertoken,

  /** A manager whose events are kept in `events`, in order. */
  make(options = {}) {
    const auth = evertoken.createTokenManager({ refresh: '/auth/refresh', ...options });
    const events = [];
    auth.on('*', (event) => {
      events.push(event);
      watch.say(event);
    });
    managers.push(auth);
    return Object.assign(window, { auth, events });
  },

  /** Posts JSON past every manager. */
  async post(path, body) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  },

  login: (extra, origin = '') => kit.post(`${origin}/auth/login`, { email: 'ann@example.com', password: 'correct-horse', ...extra }),

  /** A sign-in of an hour ago: the access token has expired, here and at the server. */
  async oldLogin(extra) {
    await kit.post('/faults/clock', { offset_ms: -3_600_000 });
    const answer = await kit.login(extra);
    await kit.post('/faults/clock', { offset_ms: 0 });
    return { ...answer, expires_in: 0 };
  },

  /** A manager that is signed in. */
  async signedIn(options, extra) {
    const answer = await kit.login(extra);
    const { auth } = kit.make(options);
    await auth.setTokens(answer);
    return auth;
  },

  /** One that is signed in for so long that a 401 is no longer put down to the sign-in itself. */
  async settledIn(options, extra) {
    const auth = await kit.signedIn(options, extra);
    await watch.sleep(2200);
    return auth;
  },

  /** The error that a promise rejects with, as data. */
  async caught(promise) {
    try {
      await promise;
    } catch (error) {
      watch.say(error);
      const { name, message, code, transient, status, oauthError, attempt, retryAt, cause } = Object(error);
      return { name, message, code, transient, status, oauthError, attempt, retryAt, cause: cause && String(cause) };
    }
    throw new Error('expected a rejection');
  },

  /** Waits until `condition()` holds. */
  async until(condition, what = String(condition)) {
    for (const end = performance.now() + 45_000; !(await condition()); await watch.sleep(20)) {
      if (performance.now() > end) throw new Error(`waited 45 s for ${what}`);
    }
  },

  /** An event of a type, by default the first one, once it has come. */
  async event(type, count = 1) {
    await kit.until(() => events.filter((event) => event.type === type).length >= count, `${count} × ${type}`);
    return { ...events.filter((event) => event.type === type)[count - 1] };
  },

  /** The windows of so many more documents of this page's kind. */
  documents: (count) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const frame = document.createElement('iframe');
        frame.src = location.href;
        document.body.append(frame);
        await kit.until(() => frame.contentWindow.kit);
        return frame.contentWindow;
      }),
    ),

  types: () => events.map(({ type }) => type),

  /** Everything in web storage, as one text. */
  stored: () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),

  /** What the managers show of themselves. */
  shown: () => managers.map((auth) => JSON.stringify([auth.getSnapshot(), auth.metrics(), auth.diagnostics()])),
};
