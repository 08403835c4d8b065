import { expect, test } from "vitest";
import { LOOK_AT_LINKMESH, UPGRADE_LOST } from "../../checks/causes.ts";
import { markdown } from "../../checks/markdown.ts";
import { findingLines } from "../../checks/report.ts";
import { fail, ok, warn } from "../../checks/types.ts";
import { expectGolden } from "./golden.ts";

test("a report is as reviewed: what is wrong in a table, what is well folded away", async () => {
    const text = markdown("check", [
        {
            host: "linkmesh.example.com",
            results: [
                { name: "https", family: "ipv4", ...ok("200 over HTTP/1.1, certificate verified, HSTS on") },
                {
                    name: "opamp",
                    family: "ipv4",
                    ...fail("502: the proxy answers, but LinkMesh behind it does not", LOOK_AT_LINKMESH),
                },
                {
                    name: "opamp",
                    family: "ipv6",
                    ...fail("400: LinkMesh receives no WebSocket upgrade", UPGRADE_LOST),
                },
                {
                    name: "restart",
                    ...warn(
                        "nginx still runs the old libssl.so.3",
                        "on the machine, without dropping sessions: `sudo /etc/init.d/nginx upgrade`",
                    ),
                },
            ],
        },
        { host: "green.example.com", results: [{ name: "https", family: "ipv6", ...ok("200 over HTTP/1.1") }] },
    ]);
    await expectGolden(`${text}\n`, "golden/report.md");
});

test("what a host has sent neither formats nor mentions anybody", () => {
    const sent = "301 to https://x/|<img src=x>`*_[a](b)\n# @octocat, admin@203.0.113.10";
    const row = markdown("check", [{ host: "a", results: [{ name: "https", ...fail(sent) }] }])
        .split("\n")
        .at(-1);
    expect(row).toBe(
        "| ❌ | https | 301 to https://x/\\|&lt;img src=x&gt;\\`\\*\\_\\[a\\](b) \\# &#64;octocat, admin@203.0.113.10 |",
    );
});

test("what a host or a machine has sent cannot move the cursor, as text and in the table", () => {
    const sent = "a\u001b[2J\u009b1Ab\u202ec";
    const shown = "a\\u{1b}[2J\\u{9b}1Ab\\u{202e}c";
    const finding = { name: "https", ...fail(sent, `\`${sent}\``) };
    expect(findingLines(finding)).toBe(`✗ https             ${shown}\n${" ".repeat(20)}\`${shown}\``);
    const table = markdown("check", [{ host: "a", results: [finding] }]);
    expect(table).toContain(`<br>→ \`${shown}\``);
    // eslint-disable-next-line no-control-regex
    expect(table).not.toMatch(/[\u001b\u009b\u202e]/);
});
