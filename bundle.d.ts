export function bundleOf(file: string, packages?: string[]): Promise<string>;
export function cacheOf(file: string): string;
