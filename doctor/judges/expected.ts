import { fail, ok, warn, type Verdict } from "../../checks/types.ts";
import { count, Unreadable, type Facts } from "../facts.ts";
import { MEND, orOk, type Judge } from "../finding.ts";

/** What differs from what a step left. States are words of `state_of` in functions/expected.sh, without checksums. */
interface Difference {
    step: string;
    kind: string;
    name: string;
    wanted: string;
    found: string;
    /** When the file was changed, in seconds since 1970. */
    changed: string;
}

/** Of a machine on which no step has ended, or of the version before, which kept no lists. */
const NO_LISTS = warn(
    "the machine has no list of what the steps left, because `pulumi up` has not ended yet or was of an older version: nothing is compared",
    `the next \`pulumi up\` of this version writes it; to have it now: ${MEND}`,
);

export const judgeFiles: Judge = (facts) => {
    if (!isListed(facts)) return [NO_LISTS];
    const wrong = differences(facts, ["file", "block", "value", "keys"]).map((one) => fail(describeFile(one), MEND));
    return orOk(wrong, ok(`all are as pulumi up left them, ${listed(facts)} things compared`));
};

export const judgePackages: Judge = (facts) => {
    const waiting = new Set(facts.rows("updates", "Inst").map(([name]) => name));
    const held = facts.rows("updates", "held").map(([name]) => name!);
    return orOk(
        [
            ...differences(facts, ["package", "hold", "version"]).map((one) => fail(describePackage(one), MEND)),
            ...held
                .filter((name) => name !== LINKMESH)
                .map((name) => {
                    const unhold = `on the machine: sudo apt-mark unhold ${name}`;
                    return waiting.has(name)
                        ? fail(`${name} is held back, and an upgrade of it waits`, unhold)
                        : warn(`${name} is held back, so that it gets no security updates`, unhold);
                }),
        ],
        ok(isListed(facts) ? `all are installed, and only ${LINKMESH} is on hold` : NOTHING_TO_COMPARE),
    );
};

const LINKMESH = "linkmesh-server";

export const judgeUnits: Judge = (facts) => {
    const differing = differences(facts, ["unit"]);
    const known = new Set(differing.map(({ name }) => name));
    const failed = facts.lines("failed").filter((unit) => !known.has(unit));
    return orOk(
        [
            ...differing.map(describeUnit),
            ...failed.map((unit) => warn(`${unit} has failed`, `on the machine: systemctl status ${unit}`)),
            ...facts
                .parts("drop-ins", 2, " ")
                .map(([unit, path]) =>
                    warn(
                        `${path} changes ${unit}, and pulumi up did not write it`,
                        `on the machine: systemctl cat ${unit}; if it is not meant, remove it and run sudo systemctl daemon-reload`,
                    ),
                ),
        ],
        ok(isListed(facts) ? "all run, and will after a reboot" : NOTHING_TO_COMPARE),
    );
};

function differences(facts: Facts, kinds: readonly string[]): Difference[] {
    return facts
        .rows("expected", "differs", 5, "\t")
        .filter(([, kind]) => kinds.includes(kind!))
        .map(([step, kind, name, wanted, found, changed]) => ({
            ...{ step: step!, kind: kind!, name: name! },
            ...{ wanted: wanted!, found: found!, changed: changed ?? "" },
        }));
}

const isListed = (facts: Facts) => facts.lines("expected").includes("listed");
const NOTHING_TO_COMPARE = "there is no list to compare with";

const listed = (facts: Facts) => facts.lines("expected").filter((line) => line === "listed").length;

function describeFile({ step, kind, name, wanted, found, changed }: Difference): string {
    const by = `(step ${step})`;
    const at = changed === "" ? "" : ` ${time(count(changed))}`;
    if (kind === "value") {
        const [file, key] = name.split(" ");
        return `${file} sets ${key} to ${found} instead of ${wanted} ${by}`;
    }
    if (kind === "keys") {
        return found === "unreadable"
            ? `${name} cannot be read as YAML ${by}`
            : `${name} does not have the settings' values of ${found.replace(/ differs$/, "")} ${by}`;
    }
    const what = kind === "block" ? `the part of ${name} between the marks of linkmesh-proxy` : name;
    if (wanted === "missing") return `${what} is there, but pulumi up removed it ${by}`;
    if (found === "missing") return `${what} is missing ${by}`;
    if (wanted === found) return `${what} was edited${at} ${by}`;
    return `${what} is ${found} instead of ${wanted} ${by}`;
}

function describePackage({ kind, name, wanted, found }: Difference): string {
    if (kind === "hold")
        return `${name} is not on hold, so an upgrade of packages changes it without a copy of its data`;
    if (kind === "version") return `${name} is ${found} instead of ${wanted}`;
    return `${name} is ${found === "missing" ? "not installed" : found} instead of ${wanted}`;
}

function describeUnit({ name, found, wanted }: Difference): Verdict {
    const [enabled, active] = found.split(" ") as [string, string];
    if (enabled === "masked")
        return fail(
            `${name} is masked`,
            `on the machine: sudo systemctl unmask ${name} && sudo systemctl enable --now ${name}`,
        );
    if (active === "failed") return fail(`${name} has failed`, `on the machine: systemctl status ${name}`);
    if (active !== "active") return fail(`${name} is ${active}`, `on the machine: sudo systemctl enable --now ${name}`);
    return fail(
        `${name} is ${enabled} instead of ${wanted.split(" ")[0]}, so it does not start after a reboot`,
        `on the machine: sudo systemctl enable ${name}`,
    );
}

/** The last second that a date can have. */
const LAST_SECOND = 8.64e12;

/** "2026-11-25 12:03 UTC" @throws Unreadable if no date has so many seconds */
export function time(seconds: number): string {
    if (!(Math.abs(seconds) <= LAST_SECOND)) throw new Unreadable(`the time ${seconds}`);
    return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
