import type { BuildOptions } from "esbuild";

export const REQUIRE: { js: string };
export function bundleOf(file: string, packages?: string[]): Promise<string>;
export function bundledText(file: string, options: BuildOptions): Promise<string>;
export function cacheOf(file: string): string;
