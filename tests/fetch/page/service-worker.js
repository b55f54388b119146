// The same in a service worker, which then answers for the pages of its scope.

import { use } from './worker.js';

let auth;

addEventListener('message', (event) => {
  const [port] = event.ports;
  event.waitUntil(
    use(event.data).then(({ auth: made, answer }) => {
      auth = made;
      auth?.intercept();
      port.postMessage(answer);
    }),
  );
});
addEventListener('fetch', (event) => {
  if (auth) event.respondWith(fetch(event.request));
});
