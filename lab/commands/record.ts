import { isIP } from "node:net";
import { Reconciler } from "../cloud/reconciler.ts";
import { publicRecords, recordKey } from "../cloud/records.ts";
import type { CloudState, DnsRecord } from "../cloud/state.ts";
import { CloudStore, readCloud } from "../cloud/store.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { LAB_ZONE, LabError } from "../lab.ts";
import { allocateLab, requireLab } from "../slots.ts";
import { RECORD_TYPES, canonicalName } from "../providers/aws/dns.ts";
import { wrongDomain, wrongValue } from "../providers/aws/rrset.ts";

export interface RecordOptions {
    remove?: boolean;
    /** Seconds. */
    ttl: string;
}

const LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?";
const HOST_NAME = new RegExp(`^(\\*\\.)?(${LABEL}\\.)*${LABEL}$`);

/**
 * Sets, removes or lists DNS records, as made by hand at a provider other than Route 53. Does not lock the lab, because
 * an `up` may wait for the record.
 */
export async function record(
    name: string | undefined,
    type: string | undefined,
    values: string[],
    options: RecordOptions,
): Promise<void> {
    if (name === undefined) {
        if (options.remove) throw new LabError("--remove needs a name: npm run lab -- record --remove NAME TYPE");
        return list();
    }
    if (type === undefined) throw new LabError("a record needs a type: npm run lab -- record NAME TYPE VALUE...");
    requireMachine();
    if (options.remove) {
        if (values.length > 0) throw new LabError("--remove takes the whole record away: leave the values out");
        const lab = requireLab();
        await new CloudStore(lab, new Reconciler(lab)).change((state) => removeRecord(state, name, type));
        return;
    }
    const made = parseRecord(name, type, values, options.ttl);
    const lab = await allocateLab();
    await new CloudStore(lab, new Reconciler(lab)).change((state) => putRecord(state, made));
    for (const line of lines(made)) console.log(line);
}

async function list(): Promise<void> {
    const lab = requireLab();
    const state = await readCloud(lab);
    const published = publicRecords(state);
    const all = Object.values(state.externalRecords);
    if (all.length === 0) console.log("none yet: npm run lab -- record NAME TYPE VALUE... makes one");
    for (const made of all) {
        const note = published.includes(made) ? "" : "   (not asked for: Route 53 has the name)";
        for (const line of lines(made)) console.log(`${line}${note}`);
    }
}

/** Parses a record from command-line arguments. @throws LabError that names the wrong argument */
export function parseRecord(name: string, type: string, values: string[], ttl = "60"): DnsRecord {
    const fqdn = canonicalName(name);
    const kind = typeOf(type);
    if (!HOST_NAME.test(fqdn) || wrongDomain(fqdn)) throw new LabError(`"${name}" is no host name`);
    if (fqdn !== LAB_ZONE && !fqdn.endsWith(`.${LAB_ZONE}`))
        throw new LabError(`"${name}" is not in the lab's zone: use a name below ${LAB_ZONE}`);
    if (!/^\d{1,5}$/.test(ttl)) throw new LabError(`--ttl ${ttl} must be a number of seconds, at most 99999`);
    if (values.length === 0)
        throw new LabError(`the record needs a value: npm run lab -- record ${name} ${kind} VALUE`);
    if (kind === "CNAME" && values.length > 1) throw new LabError("a CNAME has one value");
    for (const value of values) {
        if (kind === "CNAME" && (!HOST_NAME.test(canonicalName(value)) || isIP(value)))
            throw new LabError(`"${value}" is no host name`);
        const { reason, found } = wrongValue(kind, value) ?? {};
        if (reason) throw new LabError(`a value of the ${kind} record is wrong: ${reason}: "${found}"`);
    }
    return { name: fqdn, type: kind, ttl: Number(ttl), values: [...new Set(values)] };
}

/** Sets a record and replaces one with the same name and type. */
export function putRecord(state: CloudState, made: DnsRecord): void {
    if (Object.values(state.records).some(({ name }) => name === made.name)) {
        throw new LabError(`Route 53 has records of ${made.name}: set dns=external first, or use another name`);
    }
    const others = Object.values(state.externalRecords).filter(
        ({ name, type }) => name === made.name && type !== made.type,
    );
    const clash = made.type === "CNAME" ? others[0] : others.find(({ type }) => type === "CNAME");
    if (clash) {
        throw new LabError(
            `a CNAME stands alone: \`npm run lab -- record --remove ${clash.name} ${clash.type}\` takes the other record away`,
        );
    }
    state.externalRecords[recordKey(made)] = made;
}

export function removeRecord(state: CloudState, name: string, type: string): void {
    const key = recordKey({ name: canonicalName(name), type: typeOf(type) });
    if (!state.externalRecords[key])
        throw new LabError(`there is no ${typeOf(type)} record of ${name} to remove: npm run lab -- record lists them`);
    delete state.externalRecords[key];
}

function typeOf(given: string): DnsRecord["type"] {
    const type = RECORD_TYPES.find((known) => known === given.toUpperCase());
    if (!type) throw new LabError(`"${given}" is none of the record types ${RECORD_TYPES.join(", ")}`);
    return type;
}

function lines({ name, type, ttl, values }: DnsRecord): string[] {
    return values.map((value) => `${name}. ${ttl} ${type} ${value}`);
}
