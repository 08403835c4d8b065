import { judgeRestart } from "../../checks/restart.ts";
import { ok, warn, type Verdict } from "../../checks/types.ts";
import { orOk, type Judge } from "../finding.ts";

/** Seconds. The distribution reads the lists every day. */
const OLD_LISTS = 3 * 86_400;

/** Security updates that wait, from the machine's own lists. */
export const judgeUpdates: Judge = (facts, { ended }) => {
    const waiting = facts
        .lines("updates")
        .filter((line) => /^Inst .*[-/]security/i.test(line))
        .map((line) => line.split(/\s+/)[1]!);
    const read = facts.number("updates", "lists");
    const age = ended - read;
    const wrong: Verdict[] = [];
    if (waiting.length > 0)
        wrong.push(
            warn(
                `security updates wait: ${some(waiting)}`,
                "on the machine: sudo apt-get upgrade, which ends no session; then look at restart",
            ),
        );
    if (!(age < OLD_LISTS))
        wrong.push(
            warn(
                `the lists of packages are ${read > 0 ? `${Math.round(age / 86_400)} days old` : "of an unknown day"}, so newer updates are not known`,
                "on the machine: sudo apt-get update; systemctl status apt-daily.timer",
            ),
        );
    return orOk(wrong, ok("no security update waits, by the machine's lists of packages"));
};

/** Programs and libraries that were replaced and still run, and a kernel that was. */
export const judgeRestarts: Judge = (facts) => {
    const running = facts.value("reboot", "running") ?? "";
    // Others may be installed for another kind of machine.
    const newest = facts
        .rows("reboot", "installed")
        .map(([version]) => version!)
        .filter((version) => kindOf(version) === kindOf(running))
        .sort(byVersion)
        .at(-1);
    const libraries = facts.lines("libraries");
    const known = judgeRestart(facts.text("restart"));
    return orOk(
        [
            ...(known.status === "ok" ? [] : [known]),
            ...(newest === undefined || newest === running || facts.text("restart").includes("reboot ")
                ? []
                : [
                      warn(
                          `the kernel ${running} runs, and ${newest} is installed: a reboot is due`,
                          "on the machine, when sessions may drop: sudo reboot",
                      ),
                  ]),
            ...(libraries.length === 0
                ? []
                : [
                      warn(
                          `${some(libraries)} run on libraries that were replaced`,
                          `on the machine: sudo systemctl restart ${libraries.join(" ")}`,
                      ),
                  ]),
        ],
        ok(known.detail),
    );
};

/** "-cloud-amd64" of "6.1.0-28-cloud-amd64". */
const kindOf = (kernel: string) => /-[a-z].*$/.exec(kernel)?.[0];

function byVersion(one: string, other: string): number {
    return one.localeCompare(other, "en", { numeric: true });
}

/** The first names, and how many more there are. */
function some(names: readonly string[]): string {
    const shown = names.slice(0, 5).join(", ");
    return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
