import fc from "../any.ts";
import { describe, expect, test } from "vitest";
import { renderRetryAfter, retrySpread } from "../../components/host/render/nginx/retry-after.ts";

describe("Retry-After", () => {
    test.each([
        [1, 10],
        [5_000, 10],
        [5_001, 20],
        [10_000, 20],
        [20_000, 40],
        [200_000, 60],
    ])("%i agents come back over %i seconds", (collectors, seconds) => expect(retrySpread(collectors)).toBe(seconds));

    test("any fleet that was cut off at once comes back in equal parts, at most 500 a second unless that takes longer than a minute", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 200_000 }), (collectors) => {
                const spread = retrySpread(collectors);
                expect(spread === 60 || collectors / spread <= 500).toBe(true);
                // One key for both would give each agent a time of 0, 11, 22 and so on.
                const keys = [...renderRetryAfter(collectors).matchAll(/^split_clients "(.*)" /gm)].map(
                    ([, key]) => key,
                );
                expect(new Set(keys).size).toBe(2);
                const [tens, ones] = [...renderRetryAfter(collectors).matchAll(/\{\n([^}]*)\}/g)].map(([, lines]) =>
                    [...lines!.matchAll(/^ +(\S+) (\S+);$/gm)].map(([, share, digit]) => ({ share, digit })),
                );
                const digits = tens!.flatMap((ten) => ones!.map((one) => ten.digit!.replace('""', "") + one.digit));
                expect(digits).toEqual(Array.from({ length: spread }, (_, second) => String(second)));
                for (const parts of [tens!, ones!]) {
                    expect(parts.at(-1)!.share).toBe("*");
                    for (const { share } of parts.slice(0, -1)) {
                        expect(Number.parseFloat(share!) * parts.length).toBeCloseTo(100, 0);
                    }
                }
            }),
        );
    });
});
