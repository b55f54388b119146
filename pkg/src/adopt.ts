import type { Config } from './options.js';

/** Tokens that the app kept in web storage before, and the function that removes them there. */
export function findOld({
  access,
  refresh,
}: NonNullable<Config['adoptFrom']>): [Record<string, unknown>, () => void] | undefined {
  for (const look of [() => localStorage, () => sessionStorage]) {
    try {
      const storage = look();
      const [access_token, refresh_token] = [access, refresh].map((key) => key && plain(storage.getItem(key)));
      if (access_token || refresh_token)
        return [
          { access_token, refresh_token },
          () => [access, refresh].forEach((key) => key && storage.removeItem(key)),
        ];
    } catch {
      // Where storage is forbidden even the look throws.
    }
  }
  return undefined;
}

/** A text as it was meant: some libraries store it as JSON. */
function plain(text: string | null): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text!);
    if (typeof parsed === 'string') text = parsed;
  } catch {
    // As most do it.
  }
  return text || undefined;
}

/** The CSRF value of this moment, from a cookie or a `<meta>`. */
export function readCsrf({ cookie, meta }: NonNullable<Config['csrf']>): string | undefined {
  if (meta) return document.querySelector<HTMLMetaElement>(`meta[name=${JSON.stringify(meta)}]`)?.content;
  // An `<img name="cookie">` would be `document.cookie`: then there is none.
  const pair = String(document.cookie)
    .split('; ')
    .find((one) => one.startsWith(cookie + '='));
  const value = pair?.slice(cookie!.length + 1);
  try {
    return value && decodeURIComponent(value);
  } catch {
    return value;
  }
}
