/** JSON in a web storage; storage that is denied, full or holds something else costs the memory of it, nothing more. */
export class Saved<T> {
  constructor(
    private readonly storage: () => Storage,
    private readonly key: string,
  ) {}

  read(isValid: (value: unknown) => value is T): T | undefined {
    try {
      const value: unknown = JSON.parse(this.storage().getItem(this.key) ?? 'null');
      return isValid(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  write(value: T): void {
    try {
      this.storage().setItem(this.key, JSON.stringify(value));
    } catch {
      // A full or denied storage: the page goes on without it.
    }
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
