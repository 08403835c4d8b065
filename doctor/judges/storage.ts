import { fail, ok, warn, type Verdict } from "../../checks/types.ts";
import { count, type Facts } from "../facts.ts";
import { orOk, type Judge } from "../finding.ts";

/** In percent. An upgrade of LinkMesh copies its data, and needs the room; at the second one something fails soon. */
const NEARLY_FULL = 80;
const FULL = 90;

/** In percent of the memory that programs could still get. The kernel ends one of them when there is none. */
const LITTLE_MEMORY = 10;
const NO_MEMORY = 5;

const DATA = "/srv/linkmesh";

export const judgeMounts: Judge = (facts) => {
    const of = (word: string) => facts.rows("mounts", word).map(([path]) => path!);
    const mounted = of("mounted");
    if (facts.lines("mounts").includes("none")) return [ok("this machine has no data volume")];
    return orOk(
        [
            ...of("missing").map((path) =>
                fail(
                    path === DATA ? `the data volume is not mounted on ${path}` : `${path} is not on the data volume`,
                    `on the machine: sudo mount ${path}, then sudo systemctl restart linkmesh-server`,
                ),
            ),
            ...of("elsewhere").map((path) =>
                fail(`${path} is on another disk than the data volume`, `on the machine: findmnt ${path}`),
            ),
            ...of("writes").map((file) =>
                fail(
                    `LinkMesh writes ${file}, which is not on the data volume and goes with the machine`,
                    "set linkmeshConfig to a place below linkmeshDataPaths, or add its folder to linkmeshDataPaths",
                ),
            ),
            ...(mounted.length + of("missing").length === 0 ? [fail("the machine mounts no data volume")] : []),
        ],
        ok(`${mounted.join(", ")} are on the data volume`),
    );
};

export const judgeDisks: Judge = (facts) => {
    const disks = facts.rows("disks", "disk").map(([path, size, , percent, inodes, allInodes]) => ({
        ...{ path: path!, size: count(size), percent: count(percent) },
        // Some file systems have no number of inodes.
        inodes: Number(allInodes) > 0 ? Math.round((100 * count(inodes)) / count(allInodes)) : 0,
    }));
    if (disks.length === 0) return [fail("the machine does not say how full its disks are", "on the machine: df -h")];
    return orOk(
        disks.flatMap(({ path, size, percent, inodes }): Verdict[] => [
            ...atLeast(percent, `${nameOf(path)} is ${percent}% full of ${gib(size)}${largest(facts, path)}`, path),
            ...atLeast(inodes, `${nameOf(path)} has used ${inodes}% of its inodes`, path),
        ]),
        ok(disks.map(({ path, percent, size }) => `${path} ${percent}% of ${gib(size)}`).join(", ")),
    );
};

function atLeast(percent: number, detail: string, path: string): Verdict[] {
    const room = path === DATA ? "; or set dataVolumeSize to a larger value and run pulumi up" : "";
    const hint = `on the machine: look with sudo du -xh ${path} | sort -h${room}`;
    return percent >= FULL ? [fail(detail, hint)] : percent >= NEARLY_FULL ? [warn(detail, hint)] : [];
}

const nameOf = (path: string) => (path === DATA ? `the data volume (${DATA})` : `the disk of ${path}`);

function largest(facts: Facts, disk: string): string {
    const folders = facts
        .rows("disks", "folder")
        .filter(([of]) => of === disk)
        .map(([, size, ...path]) => `${path.join(" ")} ${gib(count(size))}`);
    return folders.length === 0 ? "" : `: ${folders.join(", ")}`;
}

/** @param kib in KiB. */
function gib(kib: number): string {
    return kib >= 1024 * 1024 ? `${(kib / 1024 / 1024).toFixed(1)} GiB` : `${Math.round(kib / 1024)} MiB`;
}

/** Workers of nginx from before a reload. Nothing but the end of their sessions ends them. */
function describeOld(workers: readonly { kb: number }[]): string {
    if (workers.length === 0) return "";
    const kb = workers.reduce((sum, worker) => sum + worker.kb, 0);
    return `; old workers of nginx: ${workers.length}, with ${gib(kb)}`;
}

export const judgeMemory: Judge = (facts) => {
    const [total, available] = ["MemTotal", "MemAvailable"].map((name) => facts.number("memory", name)) as [
        number,
        number,
    ];
    const percent = total > 0 ? Math.round((100 * available) / total) : NaN;
    const killed = facts.lines("memory").find((line) => line.includes("Out of memory"));
    const old = facts.rows("memory", "old").map(([pid, kb]) => ({ pid: pid!, kb: Number(kb) }));
    const hint =
        "on the machine: ps -eo rss,comm --sort=-rss | head; if it is LinkMesh, set a larger instanceType" +
        (old.length > 0 ? `; if it is nginx, sudo kill ${old[0]!.pid}, whose sessions reconnect at once` : "");
    const left = `${percent}% of ${gib(total)} is available${describeOld(old)}`;
    if (Number.isNaN(percent)) return [fail("the machine does not say how much memory it has", "on the machine: free")];
    return orOk(
        [
            ...(percent < NO_MEMORY ? [fail(left, hint)] : percent < LITTLE_MEMORY ? [warn(left, hint)] : []),
            ...(killed
                ? [warn(`the kernel ended a program in the last 7 days for lack of memory: ${killed.trim()}`, hint)]
                : []),
        ],
        ok(left),
    );
};
