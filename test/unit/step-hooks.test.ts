import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explainConnectionError } from "../../components/host/connection-errors.ts";
import { shouldRetry, warningsIn } from "../../components/host/step-hooks.ts";

/** The runbook's table of errors: text, cause and what to do. */
const ROWS = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8")
    .split("\n## ")
    .find((section) => section.startsWith("A step cannot connect"))!
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => /^\| `(.*)` \| (.*) \|$/.exec(line)!.slice(1) as [string, string]);

describe("the explanation of a connection error", () => {
    it.each(ROWS)("matches the runbook: %s", (text, cause) => {
        expect(explainConnectionError(text)).toBe(`${cause} (${text})`);
    });

    // Printed by the real provider 1.2.1, with Debian 13's sshd.
    it.each([
        ["after 10 failed attempts: dial tcp 203.0.113.10:22: connect: connection refused", /^nothing listens on/],
        ["after 30 failed attempts: dial tcp :22: connect: connection refused", /^the machine has no public address/],
        ["after 30 failed attempts: dial tcp 203.0.113.10:22: i/o timeout", /^the machine does not answer/],
        [
            "after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch",
            /^the machine has another host key than the output/,
        ],
        [
            "after 3 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
            /^the machine refuses the login key/,
        ],
        [
            "after 10 failed attempts: ssh: handshake failed: read tcp 10.0.0.1:5->10.0.0.2:22: read: connection reset by peer",
            /^the machine's sshd hangs up, as it does after several logins/,
        ],
        ["dial unix /tmp/nowhere.sock: connect: no such file or directory", /^SSH_AUTH_SOCK/],
        ["proxy: dial unix /tmp/nowhere.sock: connect: connection refused", /^SSH_AUTH_SOCK/],
        ["proxy: after 3 failed attempts: dial tcp 198.51.100.7:22: i/o timeout", /^bastionHost does not answer/],
        [
            "proxy: after 3 failed attempts: dial tcp: lookup b.example on 9.9.9.9:53: no such host",
            /^bastionHost does not/,
        ],
        ["proxy: after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch", /have bastionHostKey/],
        [
            "proxy: after 10 failed attempts: ssh: rejected: connect failed (Connection refused)",
            /^bastionHost reaches the machine, but nothing listens/,
        ],
        ["proxy: after 10 failed attempts: ssh: rejected: connect failed (Connection timed out)", /sshAllowedCidrs/],
        ["proxy: context deadline exceeded", /^bastionHost does not reach the machine.*sshAllowedCidrs/],
        ["proxy: after 10 failed attempts: ssh: handshake failed: EOF", /^the machine behind bastionHost/],
        [
            'wait: remote command exited without exit status or exit signal: running "sudo timeout":\nhalf a line',
            /^the connection to the machine was lost .* \(wait: remote command exited without exit status or exit signal\)$/,
        ],
    ])("%s", (text, cause) => {
        expect(explainConnectionError(text)).toMatch(cause);
        expect(explainConnectionError(`error: ${text}`)).toBe(explainConnectionError(text));
    });

    it.each(['Process exited with status 1: running "x":\nerror: dial tcp unable to authenticate', "context canceled"])(
        "leaves a step's own error unchanged: %s",
        (text) => expect(explainConnectionError(text)).toBeUndefined(),
    );
});

it("warnings are the warning lines of a known output", () => {
    expect(warningsIn("Waiting: x\nwarning: few files\nno warning: y\nwarning: old key\n")).toEqual([
        "few files",
        "old key",
    ]);
    expect([warningsIn(undefined), warningsIn("")]).toEqual([[], []]);
});

it("only an interrupted handshake behind a bastion is retried", () => {
    const cut = "proxy: after 10 failed attempts: ssh: handshake failed: EOF";
    expect(shouldRetry([cut])).toBe(true);
    expect(shouldRetry([cut, cut])).toBe(false);
    expect(shouldRetry(["after 10 failed attempts: ssh: handshake failed: EOF"])).toBe(false);
    expect(shouldRetry(["proxy: after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch"])).toBe(false);
    expect(shouldRetry(['Process exited with status 1: running "x":\nproxy: ssh: handshake failed: EOF'])).toBe(false);
});
