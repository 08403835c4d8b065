import { REQUIRE, bundledText } from "../../bundle.js";

/** A service of the lab's own in one text, because it runs without the checkout's packages. */
export function bundleService(source: string): Promise<string> {
    return bundledText(source, { mainFields: ["module", "main"], format: "esm", banner: REQUIRE });
}
