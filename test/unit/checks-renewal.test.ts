import { expect, test } from "vitest";
import { judgeRenewal } from "../../checks/renewal.ts";
import { expectCommand } from "./next-command.ts";

const TIMER = {
    Id: "certbot.timer",
    LoadState: "loaded",
    ActiveState: "active",
    UnitFileState: "enabled",
    NextElapseUSecRealtime: "Wed 2026-11-25 21:41:29 UTC",
};
const SERVICE = {
    Id: "certbot.service",
    LoadState: "loaded",
    ActiveState: "inactive",
    UnitFileState: "static",
    Result: "success",
    ExecMainStatus: "0",
    ExecMainStartTimestamp: "Wed 2026-11-25 09:03:41 UTC",
};

/** The format of systemctl. */
function shown(timer: Partial<typeof TIMER>, service: Partial<typeof SERVICE> = {}): string {
    const block = (unit: object) =>
        Object.entries(unit)
            .map(([name, value]) => `${name}=${value}`)
            .join("\n");
    return `${block({ ...TIMER, ...timer })}\n\n${block({ ...SERVICE, ...service })}\n`;
}

test.each<[string, string, string]>([
    [
        "a good run",
        shown({}),
        "the timer is active, the last run 2026-11-25 09:03 UTC was successful, next 2026-11-25 21:41 UTC",
    ],
    [
        "a fresh machine",
        shown({}, { ExecMainStartTimestamp: "" }),
        "the timer is active, no run on record since the machine started, next 2026-11-25 21:41 UTC",
    ],
    [
        "a run under way after one that failed",
        shown({}, { ActiveState: "activating", Result: "exit-code" }),
        "the timer is active, a run is under way, next 2026-11-25 21:41 UTC",
    ],
])("%s is ok", (_, text, detail) => {
    expect(judgeRenewal(text)).toEqual({ status: "ok", detail });
});

test.each<[string, string, RegExp]>([
    ["a stopped timer", shown({ ActiveState: "inactive" }), /certbot\.timer is enabled and inactive: nothing renews/],
    ["a disabled timer", shown({ UnitFileState: "disabled" }), /certbot\.timer is disabled and active: nothing renews/],
    ["a masked timer", shown({ LoadState: "masked", ActiveState: "inactive" }), /certbot\.timer is masked/],
    ["no timer", shown({ LoadState: "not-found" }), /there is no certbot\.timer on the machine/],
    ["no service", shown({}, { LoadState: "not-found" }), /there is no certbot\.service on the machine/],
    [
        "a failed run",
        shown({}, { ActiveState: "failed", Result: "exit-code", ExecMainStatus: "1" }),
        /the last renewal run, 2026-11-25 09:03 UTC, failed \(exit-code, status 1\)/,
    ],
    [
        "a run that could not begin",
        shown({}, { ActiveState: "failed", Result: "resources", ExecMainStartTimestamp: "" }),
        /the last renewal run failed \(resources, status 0\)/,
    ],
    ["no systemd", "sh: 1: systemctl: not found", /has no units of certbot/],
])("%s fails, and says what to do", (_, text, sentence) => {
    const verdict = judgeRenewal(text);
    expect(verdict.status).toBe("fail");
    expect(verdict.detail).toMatch(sentence);
    expectCommand(verdict.hint);
});

const FAILED = shown({}, { ActiveState: "failed", Result: "exit-code", ExecMainStatus: "1" });

test("a failed run is reported with certbot's reason", () => {
    const { detail, hint } = judgeRenewal(`${FAILED}\nReason=Timeout during connect (likely firewall problem)\n`);
    expect(detail).toMatch(/failed \(exit-code, status 1\): Timeout during connect \(likely firewall problem\)$/);
    expect(hint).toMatch(/try again: `sudo systemctl start certbot`/);
});

test("an authority that lost its accounts: how to register again", () => {
    const reason = "urn:ietf:params:acme:error:accountDoesNotExist :: no such account :: Account 6fb1 not found.";
    expect(judgeRenewal(`${FAILED}\nReason=${reason}\n`).hint).toMatch(
        /register again: `pulumi up --replace '\*\*linkmesh-certificate'/,
    );
});

test("the reason of an earlier failure is not reported after a good run", () =>
    expect(judgeRenewal(`${shown({})}\nReason=Timeout during connect\n`).status).toBe("ok"));
