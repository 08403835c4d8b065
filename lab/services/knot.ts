import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryExec } from "../process/exec.ts";
import { ipv6Twin } from "../network/router.ts";
import { runningProcess } from "../process/process.ts";
import type { DnsRecord } from "../cloud/state.ts";
import { LAB_ZONE, LabError, type Lab } from "../lab.ts";
import { dataDir, servicePidFile, type Service } from "./service.ts";
import { renderForeignZones, renderZone } from "./zone.ts";

const NAME = "knot";

/**
 * The lab's DNS server, on both of its addresses. It is authoritative for the lab's zone and for the zones of the names
 * that stand-ins use. It refuses every other name.
 */
export function knot(lab: Lab): Service {
    const foreign = renderForeignZones(lab);
    const conf = `server:
    rundir: /run
    user: root:root
    listen: [ ${lab.net.dns}@53, ${ipv6Twin(lab, lab.net.dns)}@53 ]
control:
    listen: /run/knot.sock
log:
  - target: stdout
    any: notice
database:
    storage: /lab
template:
  - id: default
    file: /lab/%s.zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: on
zone:
${[LAB_ZONE, ...Object.keys(foreign)].map((zone) => `  - domain: ${zone}\n`).join("")}`;
    return {
        name: NAME,
        argv: ["knotd", "-c", "/lab/knot.conf"],
        address: lab.net.dns,
        port: 53,
        files: {
            "knot.conf": conf,
            ...Object.fromEntries(Object.entries(foreign).map(([zone, text]) => [zoneFileName(zone), text])),
        },
    };
}

/** The zone's file name in the server's configuration. */
function zoneFileName(zone: string): string {
    return `${zone}.zone`;
}

/** Writes a zone with only the lab's own names, for the server's first start. */
export function initZone(lab: Lab): void {
    const file = join(dataDir(lab, NAME), zoneFileName(LAB_ZONE));
    if (existsSync(file)) return;
    mkdirSync(dataDir(lab, NAME), { recursive: true });
    writeFileSync(file, renderZone(lab, []));
}

/**
 * Publishes these records and returns when the DNS server answers with them. If the server does not run, it reads them
 * at its next start.
 */
export async function publishZone(lab: Lab, records: DnsRecord[]): Promise<void> {
    const dir = dataDir(lab, NAME);
    const file = join(dir, zoneFileName(LAB_ZONE));
    const present = existsSync(file) ? readFileSync(file, "utf8") : "";
    const serial = Number(/ SOA \S+ \S+ (\d+) /.exec(present)?.[1] ?? 0);
    // Records which text the server has loaded, so that an interrupted reload is repeated.
    const loadedFile = join(dir, "loaded");
    const loaded = existsSync(loadedFile) ? readFileSync(loadedFile, "utf8") : "";
    let text = renderZone(lab, records, serial);
    if (text === present && text === loaded) return;
    if (text !== present) text = renderZone(lab, records, serial + 1);
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, text);
    const server = runningProcess(servicePidFile(lab, NAME));
    if (!server) return;
    const enter = ["--target", String(server.pid), "--mount", "--root", "--wd"];
    const reload = ["knotc", "-c", "/lab/knot.conf", "-b", "zone-reload", LAB_ZONE];
    const { failed, stdout, stderr } = await tryExec("nsenter", [...enter, "--", ...reload]);
    if (failed) {
        const said = (stderr.trim() || stdout.trim()).split("\n").at(-1);
        throw new LabError(
            `the lab's DNS server does not take a record of the zone ${LAB_ZONE}: ${said}; \`npm run lab -- logs dns\` names it`,
        );
    }
    writeFileSync(loadedFile, text);
}
