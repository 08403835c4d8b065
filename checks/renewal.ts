import { runOverSsh } from "./ssh.ts";
import { fail, ok, type Verdict } from "./types.ts";

const TIMER = "certbot.timer";
const SERVICE = "certbot.service";
const PROPERTIES = [
    ...["Id", "LoadState", "ActiveState", "UnitFileState", "NextElapseUSecRealtime"],
    ...["Result", "ExecMainStatus", "ExecMainStartTimestamp"],
];
// systemctl prints times in the time zone of its environment.
const SHOW = `TZ=UTC systemctl show --property=${PROPERTIES.join(",")} ${TIMER} ${SERVICE}`;
export const RENEWAL_SCRIPT = `${SHOW}
echo
echo "Reason=$(journalctl -q -u ${SERVICE} -o cat -n 50 --no-pager | sed -n 's/^Failed to renew certificate .* with error: //p' | tail -n1)"
`;

const LOGS =
    "on the machine: `sudo journalctl -u certbot -n 50; sudo tail /var/log/letsencrypt/letsencrypt.log`, then try again: `sudo systemctl start certbot`";
/** certbot on the machine cannot register by itself: an external account binding needs a key that is not there. */
const REGISTER =
    "the authority does not know the machine's account: register again: `pulumi up --replace '**linkmesh-certificate'`";

/** Whether the machine renews its certificate. @throws ConnectionError */
export async function checkRenewal(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeRenewal(await runOverSsh(ssh, RENEWAL_SCRIPT, [], timeoutMs));
}

/** @param shown what `systemctl show` prints of certbot's timer and service, with times in UTC, and certbot's last reason */
export function judgeRenewal(shown: string): Verdict {
    const units = shown.split(/\n\s*\n/).map(parseUnit);
    const timer = units.find(({ Id }) => Id === TIMER);
    const service = units.find(({ Id }) => Id === SERVICE);
    if (!timer || !service)
        return fail(
            "systemd on the machine has no units of certbot",
            `certbot is not installed, or has another name; on the machine: \`${SHOW}\``,
        );
    const off = judgeLoaded(timer) ?? judgeLoaded(service) ?? judgeActive(timer);
    if (off) return off;
    const last = time(service.ExecMainStartTimestamp);
    if (service.ActiveState !== "activating" && service.Result !== "success") {
        const reason = units.find((unit) => unit.Reason)?.Reason;
        return fail(
            `the last renewal run${last ? `, ${last},` : ""} failed (${service.Result ?? "unknown"}, status ${service.ExecMainStatus ?? "unknown"})${reason ? `: ${reason}` : ""}`,
            reason?.includes("accountDoesNotExist") ? REGISTER : LOGS,
        );
    }
    return ok(
        `the timer is active, ${lastRun(service, last)}, next ${time(timer.NextElapseUSecRealtime) ?? "unknown"}`,
    );
}

function judgeLoaded({ Id, LoadState }: Unit): Verdict | undefined {
    if (LoadState === "loaded") return undefined;
    if (LoadState === "masked") {
        return fail(
            `${Id} is masked: nothing renews the certificate`,
            `on the machine: \`sudo systemctl unmask ${Id}\``,
        );
    }
    return fail(
        `there is no ${Id} on the machine: nothing renews the certificate`,
        "the package certbot is not installed; on the machine: `dpkg --status certbot`",
    );
}

function judgeActive(timer: Unit): Verdict | undefined {
    if (timer.ActiveState === "active" && timer.UnitFileState === "enabled") return undefined;
    return fail(
        `${TIMER} is ${timer.UnitFileState ?? "unknown"} and ${timer.ActiveState ?? "unknown"}: nothing renews the certificate`,
        `on the machine: \`sudo systemctl enable --now ${TIMER}\``,
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

/** "2026-11-25 12:03 UTC" for systemd's "Wed 2026-11-25 12:03:41 UTC"; undefined if it is empty. */
function time(timestamp: string | undefined): string | undefined {
    return /(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d UTC$/.exec(timestamp ?? "")?.[1]?.concat(" UTC");
}
