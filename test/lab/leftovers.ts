import { execa } from "execa";
import { existsSync, readdirSync } from "node:fs";
import { labRoot } from "../../lab/lab.ts";

/** What a lab could leave behind on the outer machine, by kind. */
export type Snapshot = Record<string, string[]>;

export async function snapshot(): Promise<Snapshot> {
    const lines = async (command: string, ...args: string[]) => {
        const { stdout } = await execa(command, args, { reject: false });
        return stdout.split("\n").filter(Boolean).sort();
    };
    return {
        namespaces: await lines("ip", "netns", "list"),
        addresses: (await lines("ip", "-o", "addr", "show")).map((line) => line.replace(/valid_lft .*/, "").replace(/^\d+: /, "")),
        routes: [...(await lines("ip", "route", "show")), ...(await lines("ip", "-6", "route", "show"))].map((line) => line.replace(/expires \S+/, "")),
        rules: await lines("nft", "list", "ruleset"),
        mounts: (await lines("findmnt", "--noheadings", "--list", "--output", "TARGET,FSTYPE")).filter((line) => !/\/proc\/|nsfs/.test(line)),
        loops: await lines("losetup", "--list", "--noheadings", "--output", "BACK-FILE"),
        processes: (await lines("ps", "-e", "-o", "args=")).filter((line) => /nspawn|knotd|pebble|apt-cacher|linkmesh-lab/.test(line) && !/vitest|lab\/cli\.ts/.test(line)),
        labs: existsSync(labRoot()) ? readdirSync(labRoot()).sort() : [],
    };
}
