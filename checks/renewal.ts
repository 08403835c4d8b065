import { execa } from "execa";
import { Fault } from "./fault.ts";
import { fail, ok, type Verdict } from "./types.ts";

const TIMER = "certbot.timer";
const SERVICE = "certbot.service";
const PROPERTIES = [
    ...["Id", "LoadState", "ActiveState", "UnitFileState", "NextElapseUSecRealtime"],
    ...["Result", "ExecMainStatus", "ExecMainStartTimestamp"],
];
// systemctl writes times in the zone of its own environment.
const SCRIPT = `TZ=UTC systemctl show --property=${PROPERTIES.join(",")} ${TIMER} ${SERVICE}`;

const LOGS = "look on the machine: journalctl -u certbot; /var/log/letsencrypt/letsencrypt.log";

/** Whether the machine renews its certificate by itself. @param ssh the ssh command up to the destination. @throws Fault */
export async function checkRenewal(ssh: string[], timeoutMs: number): Promise<Verdict> {
    const [file, ...args] = ssh as [string, ...string[]];
    const result = await execa(file, [...args, SCRIPT], { reject: false, stdin: "ignore", timeout: timeoutMs });
    if (!result.failed) return judgeRenewal(result.stdout);
    const said = result.stderr?.trim().split("\n").at(-1);
    const reason = result.timedOut ? `no answer within ${timeoutMs / 1000} s` : said || result.shortMessage;
    throw new Fault(
        `the machine could not be asked over SSH: ${reason}`,
        "check the command of --ssh, and that your address belongs to sshAllowedCidrs",
    );
}

/** @param shown what `systemctl show` prints of certbot's timer and service, with times in UTC */
export function judgeRenewal(shown: string): Verdict {
    const units = shown.split(/\n\s*\n/).map(parseUnit);
    const timer = units.find(({ Id }) => Id === TIMER);
    const service = units.find(({ Id }) => Id === SERVICE);
    if (!timer || !service) return fail("systemd on the machine does not tell of certbot", `look there: ${SCRIPT}`);
    for (const { Id, LoadState } of [timer, service]) {
        if (LoadState === "masked")
            return fail(
                `${Id} is masked: nothing renews the certificate`,
                `on the machine: sudo systemctl unmask ${Id}`,
            );
        if (LoadState !== "loaded")
            return fail(
                `there is no ${Id} on the machine: nothing renews the certificate`,
                "check there that the package certbot is installed",
            );
    }
    if (timer.ActiveState !== "active" || timer.UnitFileState !== "enabled") {
        return fail(
            `${TIMER} is ${timer.UnitFileState} and ${timer.ActiveState}: nothing renews the certificate`,
            `on the machine: sudo systemctl enable --now ${TIMER}`,
        );
    }
    const last = time(service.ExecMainStartTimestamp);
    if (service.ActiveState !== "activating" && service.Result !== "success") {
        return fail(
            `the last renewal run${last ? `, ${last},` : ""} failed (${service.Result}, status ${service.ExecMainStatus})`,
            LOGS,
        );
    }
    return ok(
        `the timer is active, ${lastRun(service, last)}, next ${time(timer.NextElapseUSecRealtime) ?? "unknown"}`,
    );
}

function lastRun(service: Unit, last: string | undefined): string {
    if (service.ActiveState === "activating") return "a run is under way";
    return last ? `the last run ${last} was successful` : "no run on record since the machine started";
}

type Unit = Record<string, string | undefined>;

function parseUnit(block: string): Unit {
    const pairs = [...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!] as const);
    return Object.fromEntries(pairs);
}

/** "2026-11-25 12:03 UTC" for systemd's "Wed 2026-11-25 12:03:41 UTC"; undefined for what has not been. */
function time(timestamp: string | undefined): string | undefined {
    return /(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d UTC$/.exec(timestamp ?? "")?.[1]?.concat(" UTC");
}
