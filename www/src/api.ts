import { isRecord } from './saved.js';
import type { Settings } from './settings.js';

/** The answer of `/auth/login`: handed to `setTokens` as it is. */
export interface SignIn {
  access_token: string;
  refresh_token?: string;
  expires_in: number;
  user: { id: string; email: string };
}

/** One way for the server to misbehave; see the server's documentation of `/faults`. */
export interface Fault {
  path: string;
  /** How many requests it meets; `null` until cleared. */
  times: number | null;
  latency_ms?: number;
  status?: number;
  body?: string;
  content_type?: string;
  retry_after?: string;
  drop?: 'before' | 'after';
}

export interface LedgerCount {
  /** Refresh requests of this session that reached the server, whatever came of them. */
  refreshes: number;
  /** Those answered with new tokens. */
  answered: number;
}

/** Signs in; throws an `Error` whose message can be shown. */
export async function signIn(email: string, password: string, settings: Settings): Promise<SignIn> {
  const { lifetime: access_ttl, mode } = settings;
  const response = await fetch('/auth/login', post({ email, password, mode, access_ttl }));
  if (response.status === 401) throw new Error('That e-mail and password do not belong together.');
  if (!response.ok) throw new Error(`The server answered ${response.status} to the sign-in.`);
  return (await response.json()) as SignIn;
}

/** Whether the server was started with its fault controls. */
export async function canMakeTrouble(): Promise<boolean> {
  try {
    return (await fetch('/faults/state')).ok;
  } catch {
    return false;
  }
}

export async function addFaults(...faults: Fault[]): Promise<void> {
  for (const fault of faults) await control('/faults', post(fault));
}

export async function clearFaults(): Promise<void> {
  await control('/faults', { method: 'DELETE' });
}

/** Makes the server refuse the access tokens of this session from now on; the session itself lives. */
export async function expireAccess(sid: string): Promise<void> {
  await control('/faults/expire-access', post({ sid }));
}

export async function revokeSession(sid: string): Promise<void> {
  await control('/faults/revoke', post({ sid }));
}

/** What the server wrote down about this session's refresh tokens. */
export async function readLedger(sid: string): Promise<LedgerCount> {
  const ledger: unknown = await (await fetch('/ledger')).json();
  const entries = isRecord(ledger) && Array.isArray(ledger.entries) ? ledger.entries.filter(isRecord) : [];
  const own = entries.filter((entry) => entry.kind === 'refresh' && entry.family === sid);
  return { refreshes: own.length, answered: own.filter((entry) => entry.status === 200).length };
}

async function control(path: string, init: RequestInit): Promise<void> {
  const response = await fetch(path, init);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
}

function post(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
