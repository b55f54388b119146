// What people write by hand, as well as it can be done in so few lines.

/**
 * The leanest that is still right: both clocks, one refresh for all, one more send after a 401, no second refresh for a
 * 401 of an older token. Object spread, one `.then`.
 */
export function leanest({ held, renew }) {
  let bearer, untilWall, untilMono, flight;
  const take = ({ token, life }) => {
    bearer = `Bearer ${token}`;
    untilWall = Date.now() + life;
    untilMono = performance.now() + life;
  };
  const refresh = () =>
    (flight ??= renew()
      .then(take)
      .finally(() => (flight = undefined)));
  const send = (url, init) => fetch(url, { ...init, headers: { ...init?.headers, authorization: bearer } });
  take(held);
  return (url, init) => {
    if (Date.now() >= untilWall || performance.now() >= untilMono) return refresh().then(() => send(url, init));
    const used = bearer;
    return send(url, init).then((response) => {
      if (response.status !== 401) return response;
      return used === bearer ? refresh().then(() => send(url, init)) : send(url, init);
    });
  };
}

/** The usual interceptor: an async function, `Headers`, a timer ahead of time, a refresh with backoff. */
export function usual({ held, renew }) {
  const LEAD = 30_000;
  let state = { token: held.token, expiresAt: Date.now() + held.life };
  let refreshing = null;
  let timer;

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(() => refresh().catch(() => {}), Math.max(0, state.expiresAt - Date.now() - LEAD));
    timer.unref?.();
  }

  async function renewWithBackoff() {
    for (let attempt = 0; ; attempt++) {
      try {
        return await renew();
      } catch (error) {
        if (attempt === 3) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
      }
    }
  }

  async function refresh() {
    if (refreshing) return refreshing;
    refreshing = (async () => {
      const { token, life } = await renewWithBackoff();
      state = { token, expiresAt: Date.now() + life };
      schedule();
    })();
    try {
      await refreshing;
    } finally {
      refreshing = null;
    }
  }

  function withToken(init) {
    const headers = new Headers(init?.headers);
    headers.set('Authorization', `Bearer ${state.token}`);
    return { ...init, headers };
  }

  schedule();
  return async function authFetch(url, init) {
    if (Date.now() >= state.expiresAt) await refresh();
    const used = state.token;
    const response = await fetch(url, withToken(init));
    if (response.status !== 401) return response;
    if (used === state.token) await refresh();
    return fetch(url, withToken(init));
  };
}
