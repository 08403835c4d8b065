import { describe, expect, test } from "vitest";
import { commentOn, failureComment } from "../../preview/comment.ts";
import { InvalidPreview, readPreview } from "../../preview/preview.ts";

const comment = (preview: object, stack?: string) => commentOn(readPreview(JSON.stringify(preview)), stack);

describe("what is no preview", () => {
    test.each<[string, string, RegExp]>([
        ["nothing", " \n", /^the preview is empty: /],
        ["text", "Previewing update (staging)", /^this is not the output of `pulumi preview --json`/],
        ["outputs of a stack", '{"publicUrl": "https://x"}', /^this is not the output/],
        ["a list", "[]", /^this is not the output/],
        ["steps of another form", '{"steps": [{"op": 1}]}', /^this is not the output/],
    ])("%s", (_, text, expected) => {
        expect(() => readPreview(text)).toThrow(InvalidPreview);
        expect(() => readPreview(text)).toThrow(expected);
    });

    test("a failed preview shows its errors first, without a stack trace", () => {
        const told = "domian is not a setting. Did you mean domain?";
        const text = comment(
            {
                steps: [],
                diagnostics: [
                    { message: `error: ${told}\n    at load (file:///x/load.ts:1:2)\n`, severity: "error" },
                    { message: "warning: w", severity: "warning" },
                ],
            },
            "staging",
        );
        expect(text).toMatch(
            /### Preview of `staging`: the preview failed\n\n#### Errors\n\n```text\ndomian is not a setting. Did you mean domain\?\n```\n/,
        );
        expect(failureComment("there is none.", "staging")).toBe(
            "<!-- linkmesh-proxy preview of staging -->\n### Preview of `staging`: the preview failed\n\n```text\nthere is none.\n```\n",
        );
    });
});
