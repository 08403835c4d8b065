import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commentOn } from "../../preview/comment.ts";
import { readPreview } from "../../preview/preview.ts";
import { expectGolden } from "./golden.ts";
import { change, comment, RULE, step, updated } from "./preview-steps.ts";

const RECORDED = join(import.meta.dirname, "previews");
const recorded = (name: string) => readPreview(readFileSync(join(RECORDED, `${name}.json`), "utf8"));

describe("the comment about a preview that was recorded in the lab", () => {
    const nodes = ["nodes-settings", "nodes-replacement", "nodes-instead", "nodes-back"];
    test.each(["settings", "replacement", ...nodes])("%s", async (name) => {
        await expectGolden(commentOn(recorded(name), "staging"), `golden/preview/${name}.md`);
    });
});

describe("what changes nothing", () => {
    test("no change is one line, whatever the engine only reads", () => {
        const text = comment(
            { steps: [change("pulumi:pulumi:Stack", "s", "same", {}, {}, false), change(RULE, "r", "read", {}, {})] },
            "a/b",
        );
        expect(text).toBe("<!-- linkmesh-proxy preview of a/b -->\n### Preview of `a/b`: no changes\n");
    });

    test("components and providers are not counted", () => {
        const text = comment({
            steps: [
                change("linkmesh-proxy:index:Machine", "m", "create", undefined, {}, false),
                change("pulumi:providers:aws", "default", "update", { version: "1" }, { version: "2" }),
            ],
        });
        expect(text).toMatch(/: no changes\n$/);
    });
});

describe("what a change means", () => {
    test.each<[string, string, string, RegExp]>([
        [
            "a new machine",
            "aws:ec2/instance:Instance",
            "replace",
            /\*\*The machine is replaced\. LinkMesh does not answer for a minute/,
        ],
        ["a pause", "aws:ec2/instance:Instance", "delete", /\*\*The machine is removed\./],
        ["a new volume", "aws:ebs/volume:Volume", "replace", /\*\*A new data volume\..*every agent has to enrol again/],
        ["no volume", "aws:ebs/volume:Volume", "delete", /\*\*The data volume is deleted.*`finalSnapshot`/],
        ["another address", "aws:ec2/eip:Eip", "replace", /\*\*A public IPv4 address changes\./],
        ["another name", "aws:route53/record:Record", "delete", /\*\*DNS records are removed\./],
    ])("%s comes first, loud, with its reason", (_, type, op, expected) => {
        const graver = { ...change(type, "it", op, { a: "1" }, { a: "2" }), replaceReasons: ["a"] };
        const text = comment({
            steps: [change(RULE, "r", "update", { cidrIpv4: "192.0.2.0/24" }, { cidrIpv4: "198.51.100.0/24" }), graver],
            diagnostics: [{ message: "warning: beware", severity: "warning" }],
        });
        const alarm = text.split("\n\n")[1]!;
        expect(alarm).toMatch(/^> \[!CAUTION\]\n> - /);
        expect(alarm).toMatch(expected);
        expect(alarm).toContain("(`it`, because of `a`)");
    });

    test("the gravest loss is the first", () => {
        const text = comment({
            steps: ["aws:ec2/instance:Instance", "aws:ec2/eip:Eip", "aws:ebs/volume:Volume"].map((type, n) =>
                change(type, `r${n}`, "replace", {}, {}),
            ),
        });
        expect([...text.matchAll(/^> - \*\*.*\(`(r\d)`\)/gm)].map(([, name]) => name)).toEqual(["r2", "r1", "r0"]);
    });

    test("what a step does to LinkMesh and nginx", () => {
        const config = updated(
            "config",
            step("config", {}, { "config.yaml": "a: 1\n" }),
            step("config", {}, { "config.yaml": "a: 2\n" }),
        );
        const proxy = updated("proxy", step("proxy", { REVISION: "1" }, {}), step("proxy", { REVISION: "2" }, {}));
        expect(comment({ steps: [config, proxy] })).toMatch(/- LinkMesh restarts\. .*\n- nginx reloads, /);
        const machine = change("aws:ec2/instance:Instance", "linkmesh-machine-instance", "replace", {}, {});
        expect(comment({ steps: [config, machine] })).not.toMatch(/restarts/);
    });

    test("a proxy whose machine stays is judged by itself, and named beside another one", () => {
        const config = (proxy: string) =>
            change(
                "command:remote:Command",
                `${proxy}-config`,
                "update",
                step("config", {}, { "config.yaml": "a: 1\n" }),
                step("config", {}, { "config.yaml": "a: 2\n" }),
            );
        const machine = change("aws:ec2/instance:Instance", "blue-machine-instance", "replace", {}, {});
        const rule = change(RULE, "blue-security-in-443-ipv4", "delete", {}, undefined);
        const text = comment({ steps: [machine, rule, config("blue"), config("blue-green")] });
        expect(text).toMatch(/^- LinkMesh restarts\. .* \(`blue-green`\)$/m);
        expect(text).not.toContain("Firewall rules");
        expect(text).toContain("**Step `config` of `blue`**");
        expect(comment({ steps: [rule, config("blue"), config("green")] })).toMatch(
            /^- LinkMesh restarts\. .* \(`blue`, `green`\)\n- Firewall rules change\. \(`blue`\)$/m,
        );
    });
});

describe("no value breaks out", () => {
    const EVIL = "x`` ``` ````\n```\n@everyone <img src=x> [click](http://evil.example) #1\u202e\u0007</details>";

    test("of a fence, a name, a message or a list", () => {
        const text = comment({
            steps: [
                updated(
                    "config",
                    step("config", {}, { [`a\`@team\``]: "b\n" }),
                    step("config", {}, { [`a\`@team\``]: `${EVIL}\n` }),
                ),
                change(RULE, `@name\`<b>`, "update", { a: "b" }, { a: EVIL }),
                change(RULE, "@other", "delete", {}, undefined),
            ],
            diagnostics: [{ message: `warning: ${EVIL}`, severity: "warning" }],
        });
        expect(outsideOfCode(text)).not.toMatch(/[@<>](?!!|--| \[!| -)(?=\w)|evil|click|everyone|team/);
        expect(text).toMatch(/everyone/);
        expect(text).not.toContain("\u202e");
        expect(text).not.toContain("\u0007");
        expect(text).toContain("\\u{202e}");
    });
});

/** As GitHub reads Markdown: without fences and code in a line. */
function outsideOfCode(text: string): string {
    const lines: string[] = [];
    let fence: string | undefined;
    for (const line of text.split("\n")) {
        const [, ticks] = /^(`{3,})[^`]*$/.exec(line) ?? [];
        if (fence !== undefined) {
            if (ticks !== undefined && line.trim() === ticks && ticks.length >= fence.length) fence = undefined;
        } else if (ticks !== undefined) fence = ticks;
        else lines.push(line);
    }
    expect(fence).toBeUndefined();
    return lines.join("\n").replace(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, "");
}

describe("the length", () => {
    test("a long file and a long line are cut, and say so", () => {
        const text = (n: string) => Array.from({ length: 200 }, (_, i) => `${n}${i}`).join("\n");
        const config = (content: string) => step("config", {}, { "config.yaml": `${content}\n` });
        expect(comment({ steps: [updated("config", config(text("a")), config(text("b")))] })).toMatch(
            /\n… 280 more lines\n```/,
        );
        const long = comment({ steps: [updated("config", config("a"), config("b".repeat(1000)))] });
        expect(long).toMatch(/b{299}… \(\d+ more characters\)/);
    });

    test("more than fits into a comment is cut between parts, and says how much", () => {
        const steps = Array.from({ length: 400 }, (_, n) =>
            change(RULE, `rule-${n}`, "update", { description: "ä".repeat(90) }, { description: "ö".repeat(90) }),
        );
        const text = comment({ steps }, "staging");
        expect(Buffer.byteLength(text)).toBeLessThan(65_536);
        expect(text).toMatch(
            /\*\*Cut here: \d+ more parts do not fit into a comment\.\*\* `pulumi preview --diff` shows them\.\n$/,
        );
        outsideOfCode(text);
    });
});
