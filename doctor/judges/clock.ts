import { fail, ok, warn, type Verdict } from "../../checks/types.ts";
import type { Judge } from "../finding.ts";

/** Seconds. Certificates, tokens and AWS's signatures fail from minutes on; logs cannot be compared from seconds on. */
const OFF = 5;
const FAR_OFF = 60;

const HINT = "on the machine: timedatectl; sudo systemctl restart systemd-timesyncd";

/**
 * The machine's clock against the operator's. The first time is read after the connection is asked for, and the last one
 * before its end, so the true difference lies between both.
 */
export const judgeClock: Judge = (facts, { began, ended }) => {
    const [start, end] = [parseFloat(facts.text("start")), parseFloat(facts.text("end"))];
    if (!Number.isFinite(start) || !Number.isFinite(end)) return [fail("the machine does not tell its time", HINT)];
    const [least, most] = [end - ended, start - began];
    // A clock that is right is within.
    const off = least > 0 ? least : most < 0 ? most : 0;
    const container = facts.value("clock", "container") ?? "none";
    const synchronized = facts.value("clock", "NTPSynchronized");
    const which = off > 0 ? "fast" : "slow";
    if (Math.abs(off) >= FAR_OFF)
        return [fail(`the machine's clock is ${words(off)} ${which}, or yours is ${off > 0 ? "slow" : "fast"}`, HINT)];
    const wrong: Verdict[] = [];
    if (Math.abs(off) >= OFF) wrong.push(warn(`the machine's clock is ${words(off)} ${which}`, HINT));
    // A container has its host's clock.
    if (container === "none" && synchronized !== "yes")
        wrong.push(warn("the machine's clock is not synchronized with a time server", HINT));
    const accuracy = Math.max(1, Math.ceil(most - least));
    return wrong.length > 0
        ? wrong
        : [ok(`within ${accuracy} s of yours${container === "none" ? ", and synchronized" : ""}`)];
};

function words(seconds: number): string {
    const whole = Math.round(Math.abs(seconds));
    return whole >= 120 ? `${Math.round(whole / 60)} minutes` : `${whole} seconds`;
}
