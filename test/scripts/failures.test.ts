import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderStep } from "../../components/host/render/step.ts";
import { SCRIPTS, SHELL_FILES, STEP_SCRIPTS } from "./files.ts";
import { hiddenFailures } from "./shell.ts";

describe("no failure is lost", () => {
    test.each(STEP_SCRIPTS)("in the step %s", (name) => {
        const text = renderStep({ name });
        const lines = text.split("\n");
        const shown = hiddenFailures(text).map(
            (found) => `${found}: ${lines[Number(/line (\d+)/.exec(found)![1]) - 1]!.trim()}`,
        );
        expect(shown).toEqual([]);
    });

    test.each(SHELL_FILES)("each `|| true` of %s says why that failure does not matter", (name) => {
        const lines = readFileSync(join(SCRIPTS, name), "utf8").split("\n");
        const silent = lines.filter(
            (line, i) => line.includes("|| true") && ![lines[i - 1], line].some((l) => /(^|\s)# /.test(l ?? "")),
        );
        expect(silent).toEqual([]);
    });
});

/** `can_fail` can fail, `check` runs two commands. */
const GIVEN = `
    fail() { exit 1; }
    can_fail() { cp a b || fail "no"; }
    check() { cp a b; cmp a b; }
    refuse() { cp a b; return 1; }
    wait_until() { shift; until "$@"; do sleep 1; done; }
    apply() { "$@"; }
    on_failure() { :; }`;

test.each<[string, string | undefined]>([
    ["can_fail", undefined],
    ["true && can_fail", undefined],
    ["if true; then can_fail; fi", undefined],
    ["while true; do can_fail; done", undefined],
    ["apply can_fail", undefined],
    ["on_failure can_fail", undefined],
    ["can_fail <a", undefined],
    ["can_fail || true", "a condition"],
    ["can_fail && true", "a condition"],
    ["if can_fail; then true; fi", "a condition"],
    ["if true; then true; elif can_fail; then true; fi", "a condition"],
    ["if { true; can_fail; }; then true; fi", "a condition"],
    ["while can_fail; do true; done", "a condition"],
    ["! can_fail", "a condition"],
    ["wait_until 3 can_fail", "a condition"],
    ["apply can_fail || true", "a condition"],
    ["echo | can_fail", "a pipe"],
    ["can_fail | cat", "a pipe"],
    ["while read -r line; do can_fail; done < <(ls) | cat", "a pipe"],
    ["(can_fail)", "a subshell"],
    ["x=$(can_fail)", "$(…)"],
    ["cat < <(can_fail)", "<(…)"],
    ["can_fail &", "the background"],
    ["(fail no) || true", "a subshell"],
    ["if check; then true; fi", "unchecked"],
    ["check || fail no", "unchecked"],
    ["wait_until 3 check", "unchecked"],
    ["if refuse; then true; fi", undefined],
    ["check", undefined],
    ['apply "$(ls)"', "lost"],
    ['cat <<<"$(ls)"', "lost"],
    ["case $(ls) in a) ;; esac", "lost"],
    ["for x in $(ls); do true; done", "lost"],
    ['x=$(ls); cat <<<"$x"', undefined],
    ['apply "$(basename a)"', undefined],
])("the rule judges: %s", (command, found) => {
    const problems = hiddenFailures(`${GIVEN}\nmain() { ${command}; }`.replace("&; }", "& }"));
    if (found === undefined) expect(problems).toEqual([]);
    else expect(problems.join("\n")).toContain(found);
});
