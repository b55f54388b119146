// Everything that is compared, each with a good token, set up as its documentation says.

import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';
import axios from 'axios';
import { createAuthRefreshInterceptor } from 'axios-auth-refresh';
import ky from 'ky';
import { createTokenManager } from '../../pkg/dist/index.js';
import { leanest, usual } from './by-hand.mjs';

/**
 * By name: a function that takes `{ held: { token, life }, renew, origin }` and gives one that sends. `renew` resolves
 * with another `{ token, life }`; `life` is in milliseconds.
 */
export const peers = {
  nothing: () => (url, init) => fetch(url, init),
  leanest,
  usual,

  '@badgateway/oauth2-client'({ held, renew }) {
    const answer = ({ token, life }) => ({ accessToken: token, refreshToken: 'r', expiresAt: Date.now() + life });
    const client = new OAuth2Client({ server: 'https://id.example/', clientId: 'bench' });
    // The same refresh as everybody's, without its request.
    client.refreshToken = async () => answer(await renew());
    const wrapper = new OAuth2Fetch({
      client,
      scheduleRefresh: false,
      getNewToken: async () => null,
      getStoredToken: () => answer(held),
    });
    return (url, init) => wrapper.fetch(url, init);
  },

  ky({ held, renew }) {
    let { token } = held;
    let flight;
    const refresh = () =>
      (flight ??= renew()
        .then((next) => (token = next.token))
        .finally(() => (flight = undefined)));
    const api = ky.create({
      retry: 0,
      throwHttpErrors: false,
      hooks: {
        beforeRequest: [(request) => request.headers.set('Authorization', `Bearer ${token}`)],
        afterResponse: [
          async (request, _options, response) => {
            if (response.status !== 401) return response;
            request.headers.set('Authorization', `Bearer ${await refresh()}`);
            return fetch(request);
          },
        ],
      },
    });
    return (url, init) => api(url, init);
  },

  'axios-auth-refresh'({ held, renew }) {
    let { token } = held;
    const api = axios.create({ adapter: 'fetch', env: { fetch: (...args) => fetch(...args) } });
    api.interceptors.request.use((config) => {
      config.headers.Authorization = `Bearer ${token}`;
      return config;
    });
    // By its default it fails what comes back while it refreshes.
    createAuthRefreshInterceptor(api, async () => ({ token } = await renew()), { deduplicateRefresh: false });
    return (url, init) => api.request({ url, ...init });
  },

  async evertoken({ held, renew, origin }) {
    const answer = ({ token, life }) => ({ access_token: token, refresh_token: 'r'.repeat(43), expires_in: life / 1000 });
    const auth = createTokenManager({
      refresh: async () => answer(await renew()),
      server: 'per-request',
      attachTo: [origin],
    });
    await auth.setTokens(answer(held));
    return auth.fetch;
  },
};
