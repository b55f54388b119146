// Uses `fetch` of a worker's scope: bare, intercepted, and given back.

import { createTokenManager } from '/evertoken/dist/index.js';

export async function use({ tokens, url }) {
  const steps = [];
  const native = self.fetch;
  try {
    const auth = createTokenManager({ refresh: '/auth/refresh' });
    await auth.setTokens(tokens);
    const step = async (name) => steps.push([name, (await fetch(url)).status]);
    await step('bare');
    const undo = auth.intercept();
    await step('ours');
    undo();
    await step('undone');
    steps.push(['native', self.fetch === native]);
    return { auth, answer: { steps } };
  } catch (error) {
    return { answer: { error: String(error), steps } };
  }
}

if (typeof DedicatedWorkerGlobalScope === 'function') {
  onmessage = async ({ data }) => {
    const { auth, answer } = await use(data);
    auth?.dispose();
    postMessage(answer);
  };
}
