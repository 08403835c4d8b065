import { expect, test } from "vitest";
import { judgeLimits } from "../../checks/limits.ts";
import { judgeRestart } from "../../checks/restart.ts";
import { judgeServed } from "../../checks/served.ts";
import { expectCommand } from "./next-command.ts";

const HOST = "linkmesh.example.com";
const FILE = `/etc/letsencrypt/live/${HOST}/fullchain.pem`;

test.each([
    ["the program's own site", `file 0AF1 ${FILE}\nserved 0AF1\ntimer loaded active\n`],
    ["a site set up by hand, without the timer", `file 0AF1 ${FILE}\nserved 0AF1\ntimer not-found inactive\n`],
    ["two sites of the name", `file 0AF0 /etc/old.pem\nfile 0AF1 ${FILE}\nserved 0AF1\ntimer loaded active\n`],
])("%s that shows the certificate on the disk is ok", (_, shown) =>
    expect(judgeServed(shown, HOST)).toEqual({
        status: "ok",
        detail: "nginx serves the certificate on the disk, serial 0af1",
    }),
);

test.each<[string, string, "warn" | "fail", RegExp]>([
    [
        "an old certificate",
        `file 0AF1 ${FILE}\nserved 0AF0\ntimer loaded active\n`,
        "fail",
        /^nginx serves the certificate with serial 0af0, but \S+fullchain\.pem holds 0af1: its reload failed$/,
    ],
    ["no certificate at all", `file 0AF1 ${FILE}\nserved \ntimer loaded active\n`, "fail", /serves no certificate for/],
    ["a timer that is off", `file 0AF1 ${FILE}\nserved 0AF1\ntimer loaded inactive\n`, "fail", /timer is inactive/],
    [
        "a site that is not found",
        "served 0AF1\ntimer not-found inactive\n",
        "warn",
        /names no certificate for linkmesh/,
    ],
])("%s is reported", (_, shown, status, sentence) => {
    const verdict = judgeServed(shown, HOST);
    expect(verdict.status).toBe(status);
    expect(verdict.detail).toMatch(sentence);
    expect(verdict.hint).toMatch(/^on the machine: /);
    expectCommand(verdict.hint);
});

test("a machine on which nothing is old is ok", () => {
    expect(judgeRestart("")).toEqual({
        status: "ok",
        detail: "nginx and LinkMesh run the installed versions, and no reboot is due",
    });
});

test("what needs a restart is reported, each with the way that drops the fewest sessions", () => {
    const shown = "nginx libcrypto.so.3\nnginx libssl.so.3\nlinkmesh-server node\nreboot linux-image-amd64 \n";
    const { status, detail, hint } = judgeRestart(shown);
    expect(status).toBe("warn");
    expect(detail).toBe(
        "nginx still runs the old libcrypto.so.3, libssl.so.3; linkmesh-server still runs the old node; a reboot is due for linux-image-amd64",
    );
    expect(hint).toMatch(/nginx upgrade.*systemctl restart linkmesh-server.*reboot/);
    expectCommand(hint);
});

test("an hour without a refusal is ok, and each address that was refused counts once", () => {
    const line = (address: string) =>
        `2026/11/26 14:00:00 [warn] 7#7: *9 limiting connections by zone "linkmesh_http", client: ${address}, server: a`;
    expect(judgeLimits("2026/11/26 14:00:00 [error] 7#7: *9 connect() failed, client: 192.0.2.1").status).toBe("ok");
    const log = [line("192.0.2.1"), line("192.0.2.1"), line("2001:db8::1")].join("\n");
    const { status, detail, hint } = judgeLimits(log);
    expectCommand(hint);
    expect(status).toBe("warn");
    expect(detail).toMatch(/^192\.0\.2\.1 and 1 more addresses reached/);
});
