import { describe, expect, test } from "vitest";
import { change, comment, RULE, run, step, updated } from "./preview-steps.ts";

describe("the lines that change", () => {
    const proxy = (listen: string, revision: string, more = {}) =>
        step(
            "proxy",
            { REVISION: revision, DOMAIN: "a.example" },
            { "http.conf": `server {\n    listen ${listen};\n}\n`, revision: `return "${revision}";\n`, ...more },
        );

    test("a file's, without those that only carry the revision, and no script", () => {
        const text = comment({
            steps: [
                updated("proxy", proxy("80", "aaaaaaaaaaaa"), proxy("8080", "bbbbbbbbbbbb", { "serve.sh": "true\n" })),
            ],
        });
        expect(text).toContain(
            "**Step `proxy`**\n\n`http.conf`\n```diff\n server {\n-    listen 80;\n+    listen 8080;\n }\n```",
        );
        expect(text).not.toMatch(/revision|a{12}|b{12}|serve\.sh|main\(\)/);
    });

    test("a variable's, and a step without any is named with what changes", () => {
        const steps = [
            updated(
                "nginx",
                step("nginx", { OPEN_FILES: "1", SAME: "x" }, {}),
                step("nginx", { OPEN_FILES: "2", SAME: "x" }, {}),
            ),
            updated(
                "verify",
                { ...step("verify", {}, {}), create: run("verify") },
                { ...step("verify", {}, {}), create: run("verify").replace("300 bash", "900 bash") },
            ),
        ];
        const text = comment({ steps });
        expect(text).toContain("```diff\n-OPEN_FILES='1'\n+OPEN_FILES='2'\n```");
        expect(text).toContain("Without a change of configuration: step `verify` (its command or connection).");
        expect(text).not.toContain("SAME");
    });

    test("a resource's properties; unknown and secret values are words", () => {
        const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
        const text = comment({
            steps: [
                change(
                    "aws:ec2/instance:Instance",
                    "m",
                    "update",
                    { instanceType: "t3.small", userData: "[secret]", ami: "a", __defaults: ["x"] },
                    { instanceType: "t3.large", userData: "[secret]", ami: unknown, __defaults: [] },
                ),
            ],
        });
        expect(text).toContain(
            "`m` (Instance) is updated:\n```diff\n-instanceType: t3.small\n-ami: a\n+instanceType: t3.large\n+ami: (known after the update)\n```",
        );
    });

    const tagged = (type: string, name: string, team: [string, string], more: [object, object] = [{}, {}]) => {
        const [old, now] = team.map((value, n) => {
            const tags = { Name: name, "linkmesh-proxy:stack": "staging", team: value };
            return { ...more[n], tags, tagsAll: { ...tags, cost: "17" } };
        });
        return change(type, name, "update", old, now);
    };

    test("a tag that changes in many resources is told once, with their names, and beside it what else changes", () => {
        const rules = Array.from({ length: 39 }, (_, n) => tagged(RULE, `rule-${n}`, ["a", "b"]));
        // A disk has the tags of its machine.
        const [small, large] = (["a", "b"] as const).map((team, n) => ({
            ...{
                instanceType: `t3.${["small", "large"][n]}`,
                rootBlockDevice: { size: 10, tags: { Name: "m", team } },
            },
        }));
        const types: [object, object] = [small!, large!];
        const machine = tagged("aws:ec2/instance:Instance", "machine", ["a", "b"], types);
        const text = comment({ steps: [...rules, machine] });
        expect(text).toContain(
            "Tags of 40 resources change:\n```diff\n-team: a\n+team: b\n```\n\n<details><summary>The 40 resources</summary>\n\n- `rule-0` (",
        );
        expect(text).toContain(
            "`machine` (Instance) is updated:\n```diff\n-instanceType: t3.small\n+instanceType: t3.large\n```\n",
        );
        expect(text.match(/team|is updated/g)).toEqual(["team", "team", "is updated"]);
        expect(text).not.toMatch(/Name|cost|stack"|Firewall rules change/);
    });

    test("a tag of one resource is told with it, without the tags that stay", () => {
        const text = comment({ steps: [tagged(RULE, "one", ["a", "b"]), tagged(RULE, "two", ["a", "c"])] });
        expect(text).toContain(
            "`one` (SecurityGroupIngressRule) is updated:\n```diff\n tags:\n-  team: a\n+  team: b\n```\n",
        );
        expect(text).toContain("-  team: a\n+  team: c\n");
        expect(text).not.toMatch(/Tags of|Name|cost/);
        const added = comment({
            steps: [change(RULE, "r", "update", { tags: { a: "1" } }, { tags: { a: "1", b: "2" } })],
        });
        expect(added).toContain('```diff\n+tags:\n+  b: "2"\n```');
    });

    test("a secret step shows the names of the parts that change, by their fingerprints, and no more", () => {
        const secret = (entries: string) => ({
            create: `${run("environment")} \\\n  DOMAIN=aaaaaaaaaaaa \\\n  entries=${entries} \\\n  script=bbbbbbbbbbbb`,
            stdin: "[secret]",
        });
        const text = comment({ steps: [updated("environment", secret("111111111111"), secret("222222222222"))] });
        expect(text).toContain("**Step `environment`**: its text is secret. What changes: `entries`");
        expect(text).toMatch(/LinkMesh restarts/);
        expect(text).not.toMatch(/1{12}|2{12}|a{12}|b{12}/);
    });

    test("all steps run for one reason", () => {
        const text = comment({
            steps: [updated("ready", step("ready", {}, {}), step("ready", {}, {}))],
            diagnostics: [{ message: "the machine is new: all steps run", severity: "info" }],
        });
        expect(text).toContain("All steps run: the machine is new.");
        expect(text).not.toContain("Without a change");
    });
});
