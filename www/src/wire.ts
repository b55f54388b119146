/** One exchange with the server as the browser timed it, resends included. */
export interface Exchange {
  kind: 'api' | 'refresh';
  /** Unix milliseconds. */
  start: number;
  /** Milliseconds. */
  duration: number;
  /** 0 when no answer was read. */
  status: number;
  /** The `n` of `/api/me?n=…`. */
  n: number | undefined;
}

/**
 * Watches what really went over the network. The manager's own word would do for the log, but a demo that
 * counts should not take its numbers from the thing it demonstrates.
 */
export function watchWire(onExchange: (exchange: Exchange) => void): void {
  // Observers are told of every entry, but a full buffer is an event in some browsers and memory in all.
  performance.setResourceTimingBufferSize(50);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const exchange = entry instanceof PerformanceResourceTiming && read(entry);
      if (exchange) onExchange(exchange);
    }
    performance.clearResourceTimings();
  }).observe({ type: 'resource' });
}

function read(entry: PerformanceResourceTiming): Exchange | undefined {
  const { pathname, searchParams } = new URL(entry.name);
  const kind = pathname === '/auth/refresh' ? 'refresh' : pathname === '/api/me' ? 'api' : undefined;
  if (!kind) return undefined;
  const n = searchParams.get('n');
  return {
    kind,
    start: performance.timeOrigin + entry.startTime,
    duration: entry.duration,
    status: entry.responseStatus,
    n: n === null ? undefined : Number(n),
  };
}
