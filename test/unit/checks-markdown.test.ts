import { expect, test } from "vitest";
import { LOOK_AT_LINKMESH, UPGRADE_LOST } from "../../checks/causes.ts";
import { markdown } from "../../checks/markdown.ts";
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
