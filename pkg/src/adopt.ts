import type { Config } from './options.js';

interface Found {
  readonly response: Record<string, string>;
  /** Removes the old keys. */
  readonly clear: () => void;
}

/** Tokens that the app kept in web storage before. */
export function findOld({ access, refresh }: NonNullable<Config['adoptFrom']>): Found | undefined {
  // Where storage is forbidden even the look throws.
  for (const look of [() => localStorage, () => sessionStorage]) {
    try {
      const storage = look();
      const get = (key: string | undefined) => (key && storage.getItem(key)) || undefined;
      const accessToken = get(access);
      const refreshToken = get(refresh);
      if (!accessToken && !refreshToken) continue;
      return {
        response: { ...(accessToken && { access_token: accessToken }), ...(refreshToken && { refresh_token: refreshToken }) },
        clear() {
          for (const key of [access, refresh]) if (key) storage.removeItem(key);
        },
      };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The CSRF value of this moment, from a cookie or a `<meta>`. */
export function readCsrf({ cookie, meta }: NonNullable<Config['csrf']>): string | undefined {
  if (meta) return document.querySelector<HTMLMetaElement>(`meta[name=${JSON.stringify(meta)}]`)?.content;
  const pair = document.cookie.split('; ').find((one) => one.startsWith(cookie + '='));
  const value = pair?.slice(cookie!.length + 1);
  try {
    return value && decodeURIComponent(value);
  } catch {
    return value;
  }
}
