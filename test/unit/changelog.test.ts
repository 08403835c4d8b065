import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { closed, notesOf } from "../../release/changelog.ts";

const OLDER = "## 0.1.0 - 2026-11-01\n\nThe first.\n\n### Parts\n\n- one\n";
const CHANGELOG = `# Changelog\n\nThe format.\n\n## Unreleased\n\n- new\n\n${OLDER}`;

describe("a release", () => {
    const released = closed(CHANGELOG, "0.2.0", "2026-12-01");

    test("takes what is unreleased, and leaves an empty section", () => {
        expect(released).toBe(
            `# Changelog\n\nThe format.\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n- new\n\n${OLDER}`,
        );
    });

    test("with nothing new is refused", () => {
        expect(() => closed(released, "0.3.0", "2026-12-02")).toThrow(/^CHANGELOG\.md has nothing under Unreleased/);
        expect(() => closed("# Changelog\n", "0.3.0", "2026-12-02")).toThrow(/nothing under Unreleased/);
    });

    test("has the notes of its section, with its headings", () => {
        expect(notesOf(released, "v0.2.0", "0.2.0")).toBe("- new\n");
        expect(notesOf(released, "v0.1.0", "0.1.0")).toBe("The first.\n\n### Parts\n\n- one\n");
    });

    test("whose tag is another version, or which the changelog lacks, has none", () => {
        expect(() => notesOf(released, "v0.2.0", "0.2.1")).toThrow(
            /^the tag v0\.2\.0 is not v0\.2\.1, the version of package\.json/,
        );
        expect(() => notesOf(CHANGELOG, "v0.2.0", "0.2.0")).toThrow(/^CHANGELOG\.md has no section 0\.2\.0/);
        expect(() => notesOf(released, "v0.2", "0.2")).toThrow(/has no section 0\.2:/);
    });
});

test("this changelog has a section for the next release", () => {
    const changelog = readFileSync(join(import.meta.dirname, "../../CHANGELOG.md"), "utf8");
    expect(changelog.match(/^## Unreleased$/gm)).toHaveLength(1);
});
