import { expect } from "vitest";

/** Compares a text with the file of it that is kept for review. `npm run generate` writes the files of all tests that use this. */
export async function expectGolden(text: string, file: string): Promise<void> {
    await expect(text, `${file} is stale: run npm run generate and review the diff`).toMatchFileSnapshot(file);
}
