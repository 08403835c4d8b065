import { afterAll, beforeAll } from "vitest";
import { several } from "../../components/settings/rules/not-yet.ts";

/** Lets the tests of a file use settings that users cannot set yet. Files share the module, so it is taken back. */
export function allowSeveral(): void {
    beforeAll(() => {
        several.supported = true;
    });
    afterAll(() => {
        several.supported = false;
    });
}
